using System.Text.Json;

namespace Maha.Tool.Tests;

// Documents that can't be read: every command names each of them once, whatever it is told to keep quiet about, and ends with 1.
[Collection(ToyTests.Name)]
public sealed class UnreadableTests(ToyModels models)
{
    private const int Bad = 150;

    [Theory]
    [InlineData("train", "--encoder --from-scratch --epochs 2 --max-tokens 32 -m unreadable.zip")]
    [InlineData("train", "--from-scratch --epochs 2 --max-tokens 32 -m unreadable.zip")]
    [InlineData("report", "-m toys.zip -o unreadable.html")]
    [InlineData("export", "-m toys.zip -o unreadable")]
    [InlineData("evaluate", "-m toys.zip")]
    [InlineData("predict", "-m toys.zip")]
    [InlineData("predict", "-m toys.zip --line-buffered")]
    [InlineData("explain", "-m toys.zip --windows 0")]
    [InlineData("embed", "-m encoder.zip")]
    public void EachDocument_IsAnErrorOnce_AlsoQuietly_AndTheExitCodeIs1(string command, string options)
    {
        string[] lines = StandardInputTests.Labeled(40).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (command == "report")
            lines = [.. lines.Select(line => line.Replace("tools", "tööls", StringComparison.Ordinal))];
        File.WriteAllLines(Path.Combine(models.Folder, "unreadable.jsonl"), [.. lines[..20], .. Enumerable.Repeat("bad", Bad), .. lines[20..]]);
        var result = ToolProcess.Run(models.Folder, (string?)null, [command, "unreadable.jsonl", "--threads", "1", "--quiet", .. options.Split(' ')]);
        Assert.True(result.ExitCode == 1, result.Error);
        string[] errors = ToolProcess.LinesOf(result.Error);
        Assert.Equal(
            Enumerable.Range(21, Bad).Select(line => $"maha: unreadable.jsonl, line {line}: A line must be one JSON object"),
            errors.Take(Bad).Select(error => error[..error.IndexOf(", but", StringComparison.Ordinal)]));
        Assert.All(errors.Skip(Bad), error => Assert.StartsWith($"maha: {Bad} of 190 documents can't be read.", error, StringComparison.Ordinal));
        int counted = result.Lines.Sum(line => JsonDocument.Parse(line).RootElement.TryGetProperty("errors", out var number) ? number.GetInt32() : 0);
        int listed = result.Lines.Count(line => JsonDocument.Parse(line).RootElement.TryGetProperty("error", out _));
        Assert.Equal(Bad, counted + listed);
    }

    [Fact]
    public void Strict_HoldsForTestDocuments_BeforeTheTraining()
    {
        File.WriteAllText(Path.Combine(models.Folder, "strict-test.jsonl"), StandardInputTests.Labeled(2) + "bad\n");
        string[] train = "train data --from-scratch --epochs 1 --max-tokens 32 --threads 1 -m strict.zip --test strict-test.jsonl".Split(' ');
        var strict = ToolProcess.Run(models.Folder, (string?)null, [.. train, "--strict"]);
        Assert.Equal((1, ""), (strict.ExitCode, strict.Output));
        Assert.StartsWith("maha: A document can't be read. strict-test.jsonl, line 3: A line must be one JSON object",
            Assert.Single(ToolProcess.LinesOf(strict.Error)), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(models.Folder, "strict.zip")));

        var lenient = ToolProcess.Run(models.Folder, (string?)null, [.. train, "-q"]);
        Assert.Equal(1, lenient.ExitCode);
        Assert.StartsWith("maha: strict-test.jsonl, line 3: A line must be one JSON object", Assert.Single(ToolProcess.LinesOf(lenient.Error)),
            StringComparison.Ordinal);
        var test = JsonDocument.Parse(lenient.Output).RootElement.GetProperty("test");
        Assert.Equal((2, 1), (test.GetProperty("documents").GetInt32(), test.GetProperty("errors").GetInt32()));
    }
}
