using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Maha.Tool.Tests;

[Collection(ToyTests.Name)]
public sealed class PipeTests(ToyModels models)
{
    private static readonly string[] s_predict = ["predict", "--model", "toys.zip", "--threads", "1"];

    [Fact]
    public void Train_WritesTheMetricsOfTheDocumentsKeptAway_AndLogsToStandardError()
    {
        var (exitCode, output, error) = models.Classifier;
        Assert.True(exitCode == 0, error);
        var line = Parse(Assert.Single(models.Classifier.Lines));
        Assert.Equal(("toys.zip", 80), (line.GetProperty("model").GetString(), line.GetProperty("documents").GetInt32()));
        Assert.InRange(line.GetProperty("test").GetProperty("accuracy").GetDouble(), 0.9, 1);
        Assert.Contains("Epoch 1 of", error, StringComparison.Ordinal);
        Assert.DoesNotContain("Epoch", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_ComparesWithTheFolders()
    {
        Directory.CreateDirectory(Path.Combine(models.Folder, "other", "plants"));
        File.WriteAllText(Path.Combine(models.Folder, "other", "plants", "1.txt"), "cat dog");
        File.WriteAllText(Path.Combine(models.Folder, "other", "plants", "2.txt"), "");
        var (exitCode, output, error) = ToolProcess.Run(
            models.Folder, (string?)null, "evaluate", "data", "other", "--model", "toys.zip", "--threads", "1");
        Assert.Equal(1, exitCode);
        Assert.Contains("maha: other/plants/2.txt: The file is empty", error, StringComparison.Ordinal);
        var line = Parse(output);
        Assert.Equal((81, 1), (line.GetProperty("documents").GetInt32(), line.GetProperty("errors").GetInt32()));
        Assert.InRange(line.GetProperty("accuracy").GetDouble(), 0.9, 80.0 / 81);
        var classes = line.GetProperty("classes").EnumerateArray().ToDictionary(item => item.GetProperty("label").GetString()!);
        Assert.Equal(["animals", "plants", "tööls"], classes.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(0, classes["plants"].GetProperty("recall").GetDouble());
    }

    [Fact]
    public void Files_StandardInput_AndJson_GiveTheSamePredictions_InOrder()
    {
        string[] files = [.. Directory.GetFiles(Path.Combine(models.Folder, "data"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        string[] texts = [.. files.Select(File.ReadAllText)];
        var fromFiles = ToolProcess.Run(models.Folder, (string?)null, [.. s_predict, "data", "--scores"]);
        Assert.Equal((0, ""), (fromFiles.ExitCode, fromFiles.Error));
        Assert.Equal(files, fromFiles.Lines.Select(line => Path.Combine(models.Folder, Parse(line).GetProperty("path").GetString()!)));
        Assert.All(fromFiles.Lines, line => Assert.Equal(Parse(line).GetProperty("path").GetString()!.Split('/')[1], Label(line)));
        Assert.All(fromFiles.Lines, line => Assert.Equal(
            Parse(line).GetProperty("score").GetSingle(), Parse(line).GetProperty("scores").GetProperty(Label(line)).GetSingle()));

        var fromLines = ToolProcess.Run(models.Folder, string.Join('\n', texts), s_predict);
        Assert.Equal(0, fromLines.ExitCode);
        Assert.Equal(Enumerable.Range(1, 80), fromLines.Lines.Select(line => Parse(line).GetProperty("line").GetInt32()));
        string json = string.Concat(texts.Select((text, i) => $"{{\"id\":[{i}, \"ü\"],\"text\":{JsonSerializer.Serialize(text)}}}\n"));
        var fromJson = ToolProcess.Run(models.Folder, json, [.. s_predict, "--keep", "id", "--line-buffered"]);
        Assert.Equal(0, fromJson.ExitCode);
        Assert.Equal(Enumerable.Range(0, 80).Select(i => $"[{i}, \"ü\"]"), fromJson.Lines.Select(line => Parse(line).GetProperty("id").GetRawText()));
        foreach (var (one, other, third) in fromFiles.Lines.Zip(fromLines.Lines, fromJson.Lines))
        {
            Assert.Equal((Label(one), Label(one)), (Label(other), Label(third)));
            Assert.Equal(Score(one), Score(other), 1e-5);
            Assert.Equal(Score(one), Score(third), 1e-5);
        }
    }

    [Fact]
    public void HostileLines_HaveTheirErrors_InTheirPlaces()
    {
        byte[] input =
        [
            .. "{\"text\":\"cat dog\"}\nnonsense\n\n{\"text\":\"\xFF\"}\n"u8, .. "{\"text\":\""u8, 0xC3, .. "\"}\n{\"text\":7}\n{\"text\":\""u8,
            .. Encoding.ASCII.GetBytes(new string('x', 100_000)), .. "\"}\n{\"text\":\"\"}\n{\"text\":\"a\\u0000b\"}\n{\"text\":\"saw drill\"}"u8,
        ];
        var (exitCode, output, error) = ToolProcess.Run(models.Folder, input, [.. s_predict, "--max-length", "1000"]);
        Assert.Equal(1, exitCode);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // Empty lines are no records of JSON.
        Assert.Equal([1, 2, 4, 5, 6, 7, 8, 9, 10], lines.Select(line => Parse(line).GetProperty("line").GetInt32()));
        Assert.Equal([2, 5, 6, 7], lines.Where(line => Parse(line).TryGetProperty("error", out _)).Select(line => Parse(line).GetProperty("line").GetInt32()));
        Assert.Equal(("animals", "tööls"), (Label(lines[0]), Label(lines[^1])));
        string[] starts = ["maha: line 2: A line must be one JSON object", "maha: line 5: JSON must be UTF-8", "maha: line 6: The property 'text'"];
        foreach (string start in starts)
            Assert.Contains(start, error, StringComparison.Ordinal);
        Assert.Contains("maha: 4 of 9 documents can't be read.", error, StringComparison.Ordinal);
        Assert.Equal((0, output), Two(ToolProcess.Run(models.Folder, input, [.. s_predict, "--max-length", "1000", "--ignore-errors"])));
        var strict = ToolProcess.Run(models.Folder, input, [.. s_predict, "--strict", "-q"]);
        Assert.Equal((1, lines[0] + "\n"), Two(strict));
        Assert.StartsWith("maha: line 2: A line must be one JSON object", Assert.Single(strict.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }

    // The model and its predictions were saved by an earlier version (tests/Maha.MLNet.Tests/SavedModels).
    [Fact]
    public void ModelOfSeveralLabels_WritesTheLabelsOfEachDocument()
    {
        string saved = Path.Combine(ToolProcess.Root, "tests", "Maha.MLNet.Tests", "SavedModels", "multi-label");
        var rows = Parse(File.ReadAllText(saved + ".json")).EnumerateArray().ToList();
        string input = string.Join('\n', rows.Select(row => JsonSerializer.Serialize(new { text = row.GetProperty("Text").GetString() })));
        string[] predict = ["predict", "--model", saved + ".zip", "--threads", "1"];
        var (few, all) = (ToolProcess.Run(models.Folder, input, predict), ToolProcess.Run(models.Folder, input, [.. predict, "--scores"]));
        Assert.Equal((0, 0), (few.ExitCode, all.ExitCode));
        Assert.Equal((rows.Count, rows.Count), (few.Lines.Count(), all.Lines.Count()));
        string[] names = ["animals", "tools", "weather"];
        foreach (var (row, some, every) in rows.Zip(few.Lines, all.Lines))
        {
            string[] labels = Texts(row.GetProperty("Labels"));
            Assert.Equal(labels, Texts(Parse(some).GetProperty("predictedLabels")));
            Assert.Equal(labels, Parse(some).GetProperty("scores").EnumerateObject().Select(score => score.Name));
            Assert.Equal(names, Parse(every).GetProperty("scores").EnumerateObject().Select(score => score.Name));
            var expected = row.GetProperty("Probability").EnumerateArray().Select(value => value.GetDouble());
            foreach (var (value, score) in expected.Zip(Parse(every).GetProperty("scores").EnumerateObject()))
                Assert.Equal(value, score.Value.GetDouble(), 1e-5);
        }

        static string[] Texts(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetString()!)];
    }

    [Fact]
    public void PlainLines_HaveOneAnswerEach()
    {
        byte[] input = [.. "\n\uFEFFcat\r\n"u8, 0xFF, .. "\nsaw\0drill\n\n{\"text\":1}"u8];
        var (exitCode, output, error) = ToolProcess.Run(models.Folder, input, [.. s_predict, "--format", "lines"]);
        Assert.Equal(1, exitCode);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Enumerable.Range(1, 6), lines.Select(line => Parse(line).GetProperty("line").GetInt32()));
        Assert.Equal([3, 4], lines.Where(line => Parse(line).TryGetProperty("error", out _)).Select(line => Parse(line).GetProperty("line").GetInt32()));
        Assert.Contains("maha: line 3: The line must be UTF-8", error, StringComparison.Ordinal);
        Assert.Contains("maha: line 4: A line must not have NUL bytes", error, StringComparison.Ordinal);
        Assert.Equal((0, ""), Two(ToolProcess.Run(models.Folder, "", s_predict)));
    }

    [Fact]
    public void ClosedPipe_EndsTheCommand_Quietly()
    {
        // The input has no end, so that a command that goes on is a process that does not end.
        var (exitCode, output, error) = ToolProcess.RunScript(
            models.Folder, "yes 'cat dog' 2> /dev/null | $MAHA predict --model toys.zip --threads 1 | head -1; echo \"${PIPESTATUS[1]}\"");
        Assert.Equal((0, ""), (exitCode, error));
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((2, "0"), (lines.Length, lines[1]));
        Assert.Equal("animals", Label(lines[0]));
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task Signal_EndsWithCompleteLines_AndItsExitCode(string signal, int exitCode)
    {
        using var process = ToolProcess.StartWithSignals(models.Folder, [.. s_predict, "--line-buffered"]);
        try
        {
            // Standard input stays open, so that the command waits for it.
            for (int i = 0; i < 3; i++)
            {
                await process.StandardInput.WriteLineAsync("cat dog");
                await process.StandardInput.FlushAsync();
                Assert.Equal("animals", Label((await process.StandardOutput.ReadLineAsync().WaitAsync(ToolProcess.Limit))!));
            }
            using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync().WaitAsync(ToolProcess.Limit);
            string error = await process.StandardError.ReadToEndAsync().WaitAsync(ToolProcess.Limit);
            string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(ToolProcess.Limit);
            await process.WaitForExitAsync().WaitAsync(ToolProcess.Limit);
            Assert.Equal((exitCode, "maha: interrupted\n", ""), (process.ExitCode, error, output));
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    // The documents before the first that was not computed have their lines, so that whoever goes on knows where.
    [Fact]
    public async Task Signal_LeavesNoGap_WhereSeveralThreadsCompute()
    {
        using var process = ToolProcess.StartWithSignals(models.Folder, ["predict", "--model", "toys.zip", "--threads", "4"]);
        try
        {
            using var stop = new CancellationTokenSource();
            var writing = Task.Run(() =>
            {
                try
                {
                    while (!stop.IsCancellationRequested)
                        process.StandardInput.WriteLine("cat dog hammer otter");
                }
                catch (IOException)
                {
                    // The command has ended.
                }
            });
            var lines = new List<string> { (await process.StandardOutput.ReadLineAsync().WaitAsync(ToolProcess.Limit))! };
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            string rest = await process.StandardOutput.ReadToEndAsync().WaitAsync(ToolProcess.Limit);
            await process.WaitForExitAsync().WaitAsync(ToolProcess.Limit);
            await stop.CancelAsync();
            await writing.WaitAsync(ToolProcess.Limit);
            Assert.Equal(143, process.ExitCode);
            Assert.True(rest.Length == 0 || rest[^1] == '\n');
            lines.AddRange(ToolProcess.LinesOf(rest));
            Assert.Equal(Enumerable.Range(1, lines.Count), lines.Select(line => Parse(line).GetProperty("line").GetInt32()));
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public void Commands_ShareAFile_AndReadArgumentsOfXargs()
    {
        // One file for two commands, of which neither may overwrite the other's lines; and names that only xargs -0 passes on.
        Directory.CreateDirectory(Path.Combine(models.Folder, "names"));
        File.WriteAllText(Path.Combine(models.Folder, "names", "a b\n'c'.txt"), "cat dog");
        File.WriteAllText(Path.Combine(models.Folder, "names", "-d.txt"), "saw drill");
        var (exitCode, output, error) = ToolProcess.RunScript(models.Folder,
            "{ echo cat | $MAHA predict -m toys.zip; cd names; find . -type f -print0 | sort -z | xargs -0 $MAHA predict -m ../toys.zip; } > all.jsonl; "
            + "cat ../all.jsonl");
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal(["animals", "tööls", "animals"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Label));
    }

    [Fact]
    public void Embed_WritesVectors()
    {
        Assert.True(models.Encoder.ExitCode == 0, models.Encoder.Error);
        Assert.Equal("", models.Encoder.Error);
        var (exitCode, output, error) = ToolProcess.Run(models.Folder, "cat dog\nsaw drill\ncat dog\n", "embed", "-m", "encoder.zip", "--threads", "1");
        Assert.True(exitCode == 0, error);
        float[][] vectors = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Parse(line).GetProperty("vector").EnumerateArray().Select(value => value.GetSingle()).ToArray())];
        Assert.Equal(3, vectors.Length);
        // Documents that are computed together have sums of another order.
        Assert.All(vectors[0].Zip(vectors[2]), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.NotEqual(vectors[0], vectors[1]);
        (exitCode, _, error) = ToolProcess.Run(models.Folder, "cat", "predict", "-m", "encoder.zip");
        Assert.Equal(2, exitCode);
        Assert.Contains("For vectors use 'maha embed'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Export_WritesAGraph_ThatIsChecked()
    {
        var (exitCode, output, error) = ToolProcess.Run(
            models.Folder, (string?)null, "export", "data", "-m", "toys.zip", "-o", "onnx", "--texts", "10", "--ngrams", "--threads", "1");
        Assert.True(exitCode == 0, error);
        Assert.True(File.Exists(Path.Combine(models.Folder, "onnx", "model.onnx")));
        Assert.Equal(10, Parse(output).GetProperty("texts").GetInt32());
        Assert.InRange(Parse(output).GetProperty("largestDifference").GetDouble(), 0, 1e-4);
    }

    [Fact]
    public void Explain_NamesTheWords_AndReport_IsAPage()
    {
        var (exitCode, output, error) = ToolProcess.Run(
            models.Folder, "cat und 😀 dog\nsaw\n", "explain", "-m", "toys.zip", "--threads", "1", "--label", "animals", "--top", "2");
        Assert.True(exitCode == 0, error);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Equal("animals", Parse(lines[1]).GetProperty("explainedLabel").GetString());
        var spans = Parse(lines[0]).GetProperty("spans").EnumerateArray().ToList();
        Assert.Equal(["cat", "dog"], spans.Select(span => span.GetProperty("text").GetString()).Order(StringComparer.Ordinal));
        Assert.All(spans, span => Assert.True(span.GetProperty("contribution").GetDouble() > 0));
        Assert.Equal(11, spans.Max(span => span.GetProperty("start").GetInt32()));

        (exitCode, output, error) = ToolProcess.Run(
            models.Folder, (string?)null, "report", "data", "-m", "toys.zip", "-o", "toys.html", "--title", "Töys & more", "--threads", "1");
        Assert.True(exitCode == 0, error);
        Assert.Equal(80, Parse(output).GetProperty("documents").GetInt32());
        Assert.Contains("Töys &amp; more", File.ReadAllText(Path.Combine(models.Folder, "toys.html")), StringComparison.Ordinal);
    }

    private static (int, string) Two(Result result) => (result.ExitCode, result.Output);

    private static JsonElement Parse(string line) => JsonDocument.Parse(line).RootElement;

    private static string Label(string line) => Parse(line).GetProperty("predictedLabel").GetString()!;

    private static double Score(string line) => Parse(line).GetProperty("score").GetDouble();
}
