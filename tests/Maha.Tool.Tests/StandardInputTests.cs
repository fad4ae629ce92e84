using System.Text;
using System.Text.Json;

namespace Maha.Tool.Tests;

[Collection(ToyTests.Name)]
public sealed class StandardInputTests(ToyModels models)
{
    private const string Mark = "\uFEFF";

    [Theory]
    [InlineData(Mark + "{\"id\":1,\"text\":\"cat dog\"}", true)]
    [InlineData(Mark + " \t{\"id\":1,\"text\":\"cat dog\"}\r\n", true)]
    [InlineData(Mark + "\r\n\n{\"id\":1,\"text\":\"cat dog\"}", true)]
    [InlineData("\n \n\t {\"id\":1,\"text\":\"cat dog\"}\n\n", true)]
    [InlineData(Mark + "cat dog", false)]
    [InlineData("\u00EF\u00BB\u00BF{\"id\":1}", false)]
    public void FirstLine_DecidesTheFormat_AfterAByteOrderMark(string input, bool isJson)
    {
        string[] predict = ["predict", "-m", "toys.zip", "--threads", "1", "-q", "--keep", "id"];
        foreach (string[] arguments in new[] { predict, [.. predict, "--line-buffered"], [.. predict, "--format", isJson ? "jsonl" : "lines"] })
        {
            var result = ToolProcess.Run(models.Folder, input, arguments);
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            // Lines before the first that is not empty are empty documents, unless all are known to be JSON: who waits for their answers has them.
            int empty = arguments[^1] == "jsonl" ? 0 : input.TakeWhile(c => c != '{').Count(c => c == '\n');
            Assert.Equal(empty + 1, result.Lines.Length);
            Assert.Equal(isJson, JsonDocument.Parse(result.Lines[^1]).RootElement.TryGetProperty("id", out _));
        }
    }

    // Of such a text in ASCII, every line but the first is valid UTF-8: with NULs between the letters.
    [Theory]
    [InlineData("utf-16", "cat dog\nsaw\n\ndrill\n")]
    [InlineData("utf-16BE", "cat dog\nsaw\n\ndrill")]
    [InlineData("utf-32", "cat\ndog")]
    [InlineData("utf-16", "{\"text\":\"cat dog\"}\n{\"text\":\"saw\"}\n")]
    public void OtherEncodings_AreErrors_OnEveryLine(string name, string text)
    {
        var encoding = Encoding.GetEncoding(name);
        foreach (string[] more in new[] { [], new[] { "--line-buffered" }, ["--format", "jsonl"] })
        {
            var result = ToolProcess.Run(
                models.Folder, [.. encoding.GetPreamble(), .. encoding.GetBytes(text)], ["predict", "-m", "toys.zip", "--threads", "1", .. more]);
            Assert.Equal(1, result.ExitCode);
            Assert.NotEmpty(result.Lines);
            Assert.All(result.Lines, line => Assert.True(JsonDocument.Parse(line).RootElement.TryGetProperty("error", out _), line));
        }
    }

    [Theory]
    [InlineData("predict -m toys.zip")]
    [InlineData("predict -m toys.zip --line-buffered")]
    [InlineData("evaluate -m toys.zip")]
    [InlineData("train --from-scratch -m none.zip")]
    public void JsonArrayOverLines_IsOneError(string command)
    {
        const string input = "\n[\n  {\n    \"text\": \"cat\",\n    \"label\": \"animals\"\n  }\n]\n";
        var result = ToolProcess.Run(models.Folder, input, [.. command.Split(' '), "--format", "jsonl", "--threads", "1"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("line 2: Nothing is read, since each line must be one JSON object", result.Error, StringComparison.Ordinal);
        Assert.Contains("for instance with jq -c '.[]'.\n", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("line 3", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void PipesThatAreNamedAsFiles_AreErrorsWithARemedy()
    {
        var (_, output, error) = ToolProcess.RunScript(models.Folder, "$MAHA predict <(echo cat) -m toys.zip --threads 1; echo $?");
        Assert.Equal("1", ToolProcess.LinesOf(output)[^1]);
        if (OperatingSystem.IsLinux())
            Assert.Contains("The file can't be read: It must be a regular file, but is a pipe or a device.", error, StringComparison.Ordinal);
    }

    // What is read several times lies in a temporary file, which nobody needs to know.
    [Fact]
    public void Training_NamesStandardInput_AndTakesNoLabelFromAFolder()
    {
        string input = Labeled(40) + "nonsense\n{\"text\":\"no label at all\"}\n";
        string[] train = "train --from-scratch --epochs 1 --max-tokens 32 --threads 1 -q -m standard.zip --test-fraction 0".Split(' ');
        var result = ToolProcess.Run(models.Folder, input, train);
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("maha: standard input, line 41: A line must be one JSON object", Assert.Single(ToolProcess.LinesOf(result.Error)),
            StringComparison.Ordinal);
        var trained = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal((41, 1), (trained.GetProperty("documents").GetInt32(), trained.GetProperty("errors").GetInt32()));
        var predicted = ToolProcess.Run(models.Folder, "cat", "predict", "-m", "standard.zip", "--scores", "--threads", "1");
        var scores = JsonDocument.Parse(predicted.Output).RootElement.GetProperty("scores");
        Assert.Equal(["animals", "tools"], scores.EnumerateObject().Select(score => score.Name));
    }

    [Fact]
    public void Report_NamesStandardInput_AndTakesNoLabelFromAFolder()
    {
        string input = Mark + Labeled(20).Replace("tools", "tööls", StringComparison.Ordinal) + "[]\n{\"text\":\"no label at all\"}\n";
        var result = ToolProcess.Run(models.Folder, input, "report", "-m", "toys.zip", "-o", "standard.html", "--threads", "1", "-q");
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("maha: standard input, line 21: A line must be one JSON object, but is an array", Assert.Single(ToolProcess.LinesOf(result.Error)),
            StringComparison.Ordinal);
        Assert.Equal(1, JsonDocument.Parse(result.Output).RootElement.GetProperty("errors").GetInt32());
        string page = File.ReadAllText(Path.Combine(models.Folder, "standard.html"));
        Assert.DoesNotContain("<th>tmp", page, StringComparison.Ordinal);
        Assert.DoesNotContain(Path.GetTempPath() + "maha-", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("report")]
    [InlineData("export")]
    [InlineData("evaluate")]
    public void EmptyInput_IsOneMessage(string command)
    {
        string[] options = command switch
        {
            "train" => ["-m", "none.zip", "--from-scratch"],
            "export" => ["-m", "toys.zip", "-o", "none"],
            "report" => ["-m", "toys.zip", "-o", "none.html"],
            _ => ["-m", "toys.zip"],
        };
        foreach (string input in new[] { "", "\n", "\n \n\n" })
        {
            var result = ToolProcess.Run(models.Folder, input, [command, .. options, "--format", "jsonl", "--threads", "1"]);
            Assert.Equal((1, ""), (result.ExitCode, result.Output));
            Assert.Matches("^maha: .* must (be|have) ", ToolProcess.LinesOf(result.Error)[^1]);
            Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(Path.GetTempPath() + "maha-", result.Error.Replace(models.Folder, "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.False(Path.Exists(Path.Combine(models.Folder, "none.zip")) || Path.Exists(Path.Combine(models.Folder, "none.html")));
        }
    }

    internal static string Labeled(int count)
    {
        var random = new Random(2);
        var lines = new StringBuilder();
        for (int i = 0; i < count; i++)
            lines.Append(JsonSerializer.Serialize(new { text = ToyModels.Text(i % 2, random), label = i % 2 == 0 ? "animals" : "tools" })).Append('\n');
        return lines.ToString();
    }
}
