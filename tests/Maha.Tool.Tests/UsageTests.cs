namespace Maha.Tool.Tests;

public sealed class UsageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Help_ListsTheCommands_AndHasExamples()
    {
        var (exitCode, output, error) = ToolProcess.Run(_folder, (string?)null, "--help");
        Assert.Equal((0, ""), (exitCode, error));
        string[] parts =
        [
            "train", "evaluate", "predict", "explain", "embed", "export", "report", "Exit codes:", "\n  maha predict mail/*.html --model reviews.zip",
            "\n  maha [command]",
        ];
        foreach (string part in parts)
            Assert.Contains(part, output, StringComparison.Ordinal);
        (exitCode, output, _) = ToolProcess.Run(_folder, (string?)null);
        Assert.Equal(2, exitCode);
        Assert.Contains("Exit codes:", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train", "--checkpoint")]
    [InlineData("evaluate", "--label-field")]
    [InlineData("predict", "xargs -0 maha predict")]
    [InlineData("embed", "--column")]
    [InlineData("export", "--ngrams")]
    [InlineData("explain", "--windows")]
    [InlineData("report", "--title")]
    public void HelpOfACommand_HasItsOptionsAndExamples(string command, string part)
    {
        var (exitCode, output, error) = ToolProcess.Run(_folder, (string?)null, command, "--help");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("Examples:", output, StringComparison.Ordinal);
        Assert.Contains(part, output, StringComparison.Ordinal);
        Assert.Contains("--no-header", output, StringComparison.Ordinal);
        Assert.Contains("--separator", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unheard", "unheard")]
    [InlineData("predict --unheard", "--unheard")]
    [InlineData("predict missing.txt", "missing.txt")]
    [InlineData("predict --model missing.zip", "missing.zip")]
    [InlineData("predict --threads 0", "--threads must be at least 1, but is 0.")]
    [InlineData("predict --strict --ignore-errors", "exclude each other")]
    [InlineData("predict --keep id,score", "--keep must not name path, line,")]
    [InlineData("predict --keep id,predictedLabels", "but names predictedLabels")]
    [InlineData("export", "--output")]
    [InlineData("predict --format csv", "--format is csv")]
    [InlineData("predict --format pdf", "pdf")]
    [InlineData("predict a.txt --format lines", "For one document per line write the file to standard input: --format lines < a.txt")]
    [InlineData("train --format lines", "Standard input of this command must be JSON lines, but --format is lines.")]
    [InlineData("predict --max-length 0", "--max-length must be at least 1, but is 0.")]
    [InlineData("train a.txt --epochs 0", "--epochs must be at least 1, but is 0.")]
    [InlineData("train a.txt --minutes NaN", "--minutes must be above 0")]
    [InlineData("train a.txt --test-fraction 1", "--test-fraction must be")]
    [InlineData("train a.txt --encoder --test a.txt", "--test needs labels")]
    [InlineData("train a.txt -", "can't be combined with files")]
    [InlineData("train @a.txt", "@a.txt")]
    [InlineData("train a.txt --no-header", "--text-field must be the number of a column, from 0, with --no-header, but is 'text'")]
    [InlineData("train a.txt --no-header --text-field 1 --label-field stars", "--label-field must be the number of a column")]
    [InlineData("predict a.txt --separator tabs", "--separator must be an ASCII character")]
    [InlineData("predict a.txt --separator \"", "--separator must be an ASCII character")]
    [InlineData("predict a.txt --separator \u00A7", "--separator must be an ASCII character")]
    public void WrongUsage_IsOneMessage_AndExitCode2(string arguments, string message)
    {
        File.WriteAllText(Path.Combine(_folder, "a.txt"), "text");
        var (exitCode, output, error) = ToolProcess.Run(_folder, (string?)null, arguments.Split(' '));
        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("maha: ", error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("predict --model a.txt")]
    [InlineData("train a.txt --from-scratch")]
    public void Failures_AreOneMessage_AndExitCode1(string arguments)
    {
        File.WriteAllText(Path.Combine(_folder, "a.txt"), "text");
        var (exitCode, output, error) = ToolProcess.Run(_folder, (string?)null, arguments.Split(' '));
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("maha: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }
}
