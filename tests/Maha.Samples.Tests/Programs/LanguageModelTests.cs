using System.Globalization;
using System.Text.RegularExpressions;

namespace Maha.Samples.Tests.Programs;

public sealed class LanguageModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Help_NamesTheOptions()
    {
        var (exitCode, output, _) = Run("--help");
        Assert.Equal(0, exitCode);
        Assert.All(new[] { "--data", "--held-out", "--quick", "--prompt", "--model", "generate" },
            option => Assert.Contains(option, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--unheard", "--unheard")]
    [InlineData("--epochs 0", "--epochs must be at least 1, but is 0.")]
    [InlineData("--threads 0", "--threads must be at least 1, but is 0.")]
    [InlineData("--minutes NaN", "--minutes must be above 0")]
    [InlineData("--attention telepathy", "telepathy")]
    [InlineData("--data missing.txt", "There is no file")]
    [InlineData("--data own.txt --d-model 10", "10 % 4 = 2")]
    [InlineData("--data own.txt --attention MahaReference", "MahaReference")]
    [InlineData("--data own.txt --temperature -1", "Temperature must lie in [0, 100], but is -1.")]
    [InlineData("generate --model missing.zip", "missing.zip")]
    public void WrongArguments_PrintOneLineOfExplanation(string arguments, string message)
    {
        File.WriteAllText(Path.Combine(_folder, "own.txt"), Sentences(20, 1));
        var (exitCode, output, error) = Run(arguments.Split(' '));
        Assert.NotEqual(0, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }

    [Fact]
    public void OwnTexts_AreTrainedScoredAndContinued_AndAnotherProcessContinuesThemTheSame()
    {
        File.WriteAllText(Path.Combine(_folder, "a.txt"), Sentences(300, 1));
        File.WriteAllText(Path.Combine(_folder, "b.txt"), Sentences(300, 2));
        File.WriteAllText(Path.Combine(_folder, "c.txt"), Sentences(30, 3));
        string[] continuation = ["--model", "own.zip", "--prompt", "The cat", "--tokens", "40", "--temperature", "0.5", "--threads", "1", "--stop", "\n"];
        string[] small = ["--quick", "--d-model", "16", "--layers", "1", "--context", "32", "--vocab", "300", "--epochs", "12"];
        var (exitCode, output, error) = Run(["--data", "a.txt", "b.txt", "--held-out", "c.txt", .. small, .. continuation]);
        Assert.True(exitCode == 0, output + error);
        string[] lines = output.Split(Environment.NewLine);
        Assert.Contains("held out: c.txt", lines[0], StringComparison.Ordinal);
        var last = Regex.Match(lines[^2], @"^perplexity_per_byte=([\d.]+) perplexity_per_word=([\d.]+) perplexity_per_token=([\d.]+) "
            + @"tokens_per_second=(\d+) seconds=\d+$");
        Assert.True(last.Success, lines[^2]);

        // 27 letters alike would be 27; words told apart and letters known, it is little above 1.
        Assert.InRange(double.Parse(last.Groups[1].Value, CultureInfo.InvariantCulture), 1, 2);
        string text = lines[Array.IndexOf(lines, "prompt: The cat") + 1];
        Assert.NotEmpty(text);
        (exitCode, output, error) = Run(["generate", .. continuation]);
        Assert.True(exitCode == 0, error);
        Assert.Equal(text, output.Split(Environment.NewLine)[0]);
    }

    private static string Sentences(int count, int seed)
    {
        var random = new Random(seed);
        string[] animals = ["cat", "dog", "otter"], verbs = ["sees", "hears", "likes"];
        return string.Concat(Enumerable.Range(0, count).Select(_ => $"The {animals[random.Next(3)]} {verbs[random.Next(3)]} the {animals[random.Next(3)]}. "));
    }

    private (int ExitCode, string Output, string Error) Run(params string[] arguments) => SampleProgram.Run("LanguageModel", _folder, arguments);
}
