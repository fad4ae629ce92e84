using System.Text.RegularExpressions;

namespace Maha.Samples.Tests.Programs;

public sealed class AutoMLTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EveryCandidate_GetsATrial_AndTheBestIsSaved()
    {
        var random = new Random(1);
        string[][] words = [["cat", "dog", "otter"], ["hammer", "saw", "drill"]];
        File.WriteAllLines(Path.Combine(_folder, "own.tsv"), Enumerable.Range(0, 80).Select(i =>
            $"{(i % 2 == 0 ? "animals" : "tools")}\t{string.Join(' ', Enumerable.Range(0, 8).Select(_ => words[i % 2][random.Next(3)]))}"));
        var (exitCode, output, error) = SampleProgram.Run(
            "AutoML", _folder, "--data", "own.tsv", "--seconds", "120", "--trials", "7", "--max-tokens", "64", "--threads", "1", "--model", "best.zip");
        Assert.True(exitCode == 0, output + error);
        Assert.Matches(new Regex(@"^best_trial=\d validation_accuracy=[\d.]+ test_accuracy=[\d.]+ trials=7 seconds=\d+\r?$", RegexOptions.Multiline), output);
        Assert.Contains("SdcaMaximumEntropyMulticlass: L2=", output, StringComparison.Ordinal);
        Assert.Contains("Pretrained=true", output, StringComparison.Ordinal);
        foreach (string attention in new[] { "Maha", "Hsa", "Window", "Full" })
            Assert.Contains($"Attention={attention}", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder, "best.zip")));
    }

    [Fact]
    public void FolderOfTheModel_IsMadeBeforeTheSearch()
    {
        File.WriteAllText(Path.Combine(_folder, "own.tsv"), "animals\tcat\ntools\tsaw\n");
        var (exitCode, output, error) = SampleProgram.Run("AutoML", _folder, "--data", "own.tsv", "--model", Path.Combine("own.tsv", "best.zip"));
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("own.tsv", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--seconds 0", "--seconds must be at least 1, but is 0.")]
    [InlineData("--trials many", "many")]
    [InlineData("--data missing.tsv", "--data and --test must name files, but there is no")]
    public void WrongArguments_EndWithOneMessage(string arguments, string message)
    {
        var (exitCode, output, error) = SampleProgram.Run("AutoML", _folder, arguments.Split(' '));
        Assert.Equal(1, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }
}
