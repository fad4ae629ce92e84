using System.Text.Json;

namespace Maha.Tool.Tests;

// Input and arguments that are wrong in ways that only a model and documents show.
[Collection(ToyTests.Name)]
public sealed class HostileTests(ToyModels models)
{
    private static readonly string[] s_libraryTerms =
    [
        "TextField", "LabelField", "MaxDocumentLength", "Encoding", "AllowQuoting", "KeepEmpty", "HasHeader", "SeparatorChar", "(Parameter", "Actual value",
        "   at ",
    ];

    // A model is minutes or hours of work: where it can't be saved is said before.
    [Theory]
    [InlineData("train data --from-scratch -m data", 2, "--model must name a file, but 'data' is a folder")]
    [InlineData("train data --from-scratch -m data/animals/00.txt/x.zip", 1, "--model must name a file that can be written")]
    [InlineData("train data --from-scratch -m a.zip --checkpoint toys.zip", 2, "--checkpoint must name a folder, but 'toys.zip' is a file")]
    [InlineData("report data -m toys.zip -o data", 2, "--output must name a file, but 'data' is a folder")]
    [InlineData("report data -m toys.zip -o nowhere/r.html", 2, "--output must name a file in a folder that exists")]
    [InlineData("export data -m toys.zip -o toys.zip", 2, "--output must name a folder, but 'toys.zip' is a file")]
    [InlineData("export data -m toys.zip -o x --tolerance NaN", 2, "--tolerance must be above 0 and at most 1, but is NaN")]
    [InlineData("report data -m encoder.zip -o r.html", 2, "--model must be a text classifier of Maha, but 'encoder.zip' is not")]
    [InlineData("evaluate data -m encoder.zip", 2, "--model must be a classifier")]
    [InlineData("explain data -m encoder.zip", 2, "--model must be a text classifier of Maha, but 'encoder.zip' is not")]
    [InlineData("explain data -m toys.zip --label nope", 2, "--label is not a label of the model")]
    [InlineData("embed data -m encoder.zip --column nope", 2, "--column must name a column")]
    [InlineData("predict data -m toys.zip --text-column nope", 2, "--text-column must name a column")]
    [InlineData("predict data --glob *.nope -m toys.zip", 2, "There must be a file that matches '*.nope'")]
    [InlineData("predict data --glob *.txt -m toys.zip", 2, "There must be a file that matches '*.txt'")]
    [InlineData("predict data/animals/00.txt --glob *.txt -m toys.zip", 2, "--glob chooses files of folders")]
    [InlineData("predict data --glob ../* -m toys.zip", 2, "The pattern must be relative to the folder")]
    [InlineData("explain data -m toys.zip --strict", 2, "There must be an option or a file '--strict', but there is neither")]
    public void WrongUsage_IsOneMessage_BeforeAnythingIsComputed(string arguments, int code, string message)
    {
        string[] before = Files();
        var (exitCode, output, error) = ToolProcess.Run(models.Folder, (string?)null, [.. arguments.Split(' '), "--threads", "1"]);
        Assert.Equal((code, ""), (exitCode, output));
        Assert.StartsWith($"maha: {message}", Assert.Single(ToolProcess.LinesOf(error), line => line.StartsWith("maha: ", StringComparison.Ordinal)),
            StringComparison.Ordinal);
        Assert.All(s_libraryTerms, term => Assert.DoesNotContain(term, error, StringComparison.Ordinal));
        Assert.Equal(before, Files());

        string[] Files() => [.. Directory.GetFiles(models.Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    [Theory]
    [InlineData("predict", "")]
    [InlineData("predict", "data --model ")]
    [InlineData("predict", "data --text-field ")]
    [InlineData("predict", "data --label-field ")]
    [InlineData("predict", "data --keep ")]
    [InlineData("predict", "data --keep ,,")]
    [InlineData("train", "data --test ")]
    [InlineData("train", "data --checkpoint ")]
    [InlineData("report", "data --output ")]
    [InlineData("export", "data --output ")]
    public void EmptyNames_AreWrongUsage(string command, string arguments)
    {
        var (exitCode, output, error) = ToolProcess.Run(models.Folder, (string?)null, [command, .. arguments.Split(' ')]);
        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("maha: ", error, StringComparison.Ordinal);
        Assert.Contains("empty", error.Replace("names none", "empty", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.All(s_libraryTerms, term => Assert.DoesNotContain(term, error, StringComparison.Ordinal));
    }

    [Fact]
    public void Errors_AdviseOptionsOfTheTool_AndAreShort()
    {
        string folder = Path.Combine(models.Folder, "hostile");
        Directory.CreateDirectory(folder);
        string names = string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"{new string('n', 1000)}{i}\":1"));
        File.WriteAllText(Path.Combine(folder, "a.jsonl"), $"{{\"body\":1}}\n{{{names}}}\n{{\"text\":\"x\"}}\n");
        File.WriteAllBytes(Path.Combine(folder, "b.txt"), [.. "é ü ö ä ß"u8, 0xC3]);
        File.WriteAllBytes(Path.Combine(folder, "c.txt"), [1, 0]);
        File.WriteAllText(Path.Combine(folder, "d.csv"), "body\nx\n");
        File.WriteAllText(Path.Combine(folder, "e.csv"), "text,class\n\"x\" y,a\n\"open\n");
        File.WriteAllText(Path.Combine(folder, "f.txt"), new string('x', 101));
        File.WriteAllText(Path.Combine(folder, "g.csv"), string.Join(',', Enumerable.Repeat("column", 100_000)) + "\nx\n");
        File.WriteAllText(Path.Combine(folder, "h.csv"), "text,text\nx,y\n");
        File.WriteAllBytes(Path.Combine(folder, "i.txt"), [.. Enumerable.Range(1, 5000).Select(i => (byte)(i * i * 7 % 255 + 1))]);
        foreach (string[] command in new[] { ["predict", "-m", "toys.zip"], new[] { "train", "-m", "h.zip", "--from-scratch" } })
        {
            var result = ToolProcess.Run(
                models.Folder, (string?)null, [.. command, "hostile", "--label-field", "class", "--max-length", "100", "--threads", "1"]);
            Assert.Equal(1, result.ExitCode);
            Assert.All(s_libraryTerms, term => Assert.DoesNotContain(term, result.Error, StringComparison.Ordinal));
            Assert.All(ToolProcess.LinesOf(result.Error), line => Assert.InRange(line.Length, 1, 2500));
            string[] advice =
                [
                "Set --text-field.", "Set --label-field.", "Set --max-length", "iconv", "Double the quotation marks", "several. Rename the others.",
                "If the file has no header, add --no-header; if its fields are separated otherwise, set --separator.",
            ];
            Assert.All(advice, part => Assert.Contains(part, result.Error, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Kept_AreWrittenOnce_AlsoWhereARecordCannotBeRead_AndMissingOnesAreSaid()
    {
        const string input = "{\"id\":1,\"text\":\"cat\"}\n{\"id\":2,\"text\":3}\n{\"id\":{\"a\":3},\"body\":\"x\"}\nbad\n";
        string[] predict = ["predict", "-m", "toys.zip", "--threads", "1"];
        var result = ToolProcess.Run(models.Folder, input, [.. predict, "--keep", "id,id", "--keep", "id", "--keep", "idd"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(["1", "2", "{\"a\":3}"], result.Lines[..3].Select(line => Assert.Single(
            JsonDocument.Parse(line).RootElement.EnumerateObject(), property => property.Name == "id").Value.GetRawText()));
        Assert.Equal([false, true, true, true], result.Lines.Select(line => JsonDocument.Parse(line).RootElement.TryGetProperty("error", out _)));
        Assert.Contains("warning: no document has idd, which --keep names.\n", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("warning", ToolProcess.Run(models.Folder, input, [.. predict, "--keep", "id"]).Error, StringComparison.Ordinal);
    }

    // /dev/full is a disk without room.
    [Fact]
    public void MessagesThatCannotBeWritten_DoNotChangeTheResult()
    {
        if (!File.Exists("/dev/full"))
            return;
        var (_, output, error) = ToolProcess.RunScript(models.Folder,
            "printf 'cat\\n\\377\\ndog\\n' | $MAHA predict -m toys.zip --threads 1 2> /dev/full; echo $?; "
            + "$MAHA predict nowhere 2> /dev/full; echo $?; "
            + "$MAHA predict --nope --help 2> /dev/full | head -1; $MAHA predict data -m toys.zip > /dev/full; echo $?");
        string[] lines = ToolProcess.LinesOf(output);
        Assert.Equal(["1", "2", "1"], lines.Where(line => line.Length == 1));
        Assert.Equal(3, lines.Count(line => line.StartsWith('{')));
        Assert.Equal("maha: Standard output can't be written: No space left on device.\n", error);
    }
}
