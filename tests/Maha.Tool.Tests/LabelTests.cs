using System.Text.Json;

namespace Maha.Tool.Tests;

// Labels as files write them, and as models have them.
[Collection(OtherTests.Name)]
public sealed class LabelTests(OtherModels models)
{
    [Theory]
    [InlineData("json.jsonl", "false", "true")]
    [InlineData("numbers.jsonl", "0", "1")]
    [InlineData("texts.jsonl", "\"False\"", "\"TRUE\"")]
    [InlineData("lower.csv", "false", "true")]
    [InlineData("numbers.csv", "0", "1")]
    public void BooleanLabels_AreTheSame_ForEvaluateAndReport(string name, string no, string yes)
    {
        var rows = OtherModels.Verdicts(40, seed: 2).Select(row => (row.Text, Label: row.Label ? yes : no));
        File.WriteAllLines(Path.Combine(models.Folder, name), name.EndsWith(".csv", StringComparison.Ordinal)
            ? ["text,label", .. rows.Select(row => $"{row.Text},{row.Label}")]
            : rows.Select(row => $"{{\"text\":\"{row.Text}\",\"label\":{row.Label}}}"));
        var evaluated = models.Run($"evaluate {name} -m binary.zip");
        Assert.Equal((0, ""), (evaluated.ExitCode, evaluated.Error));
        var metrics = JsonDocument.Parse(evaluated.Output).RootElement;
        Assert.Equal(["false", "true"], metrics.GetProperty("classes").EnumerateArray().Select(label => label.GetProperty("label").GetString()));
        var reported = models.Run($"report {name} -m binary.zip -o {name}.html");
        Assert.True(reported.ExitCode == 0, reported.Error);
        string page = File.ReadAllText(Path.Combine(models.Folder, $"{name}.html"));
        Assert.Contains("<th>True</th>", page, StringComparison.Ordinal);
    }

    // A classifier that was trained from JSON knows true and false, as the predictions say them.
    [Fact]
    public void BooleansOfJson_AreLabelsOfJson()
    {
        File.WriteAllLines(
            Path.Combine(models.Folder, "trained.jsonl"),
            OtherModels.Verdicts(40).Select(row => $"{{\"text\":\"{row.Text}\",\"label\":{(row.Label ? "true" : "false")}}}"));
        var trained = models.Run("train trained.jsonl --from-scratch --epochs 1 --max-tokens 32 -m trained.zip -q");
        Assert.True(trained.ExitCode == 0, trained.Error);
        var test = JsonDocument.Parse(trained.Output).RootElement.GetProperty("test");
        Assert.All(test.GetProperty("classes").EnumerateArray(), label => Assert.Matches("^(true|false)$", label.GetProperty("label").GetString()));
    }

    [Fact]
    public void UnknownLabels_AreWarnedOf_WithTheLabelsOfTheModel()
    {
        File.WriteAllText(Path.Combine(models.Folder, "unknown.csv"), "text,label\ncat,true\nsaw,yes\nsaw,yes\ndog,no\ndog,\n");
        var result = models.Run("evaluate unknown.csv -m binary.zip");
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(
            "warning: labels should be those of the model, but 2 of the data are not (of 3 documents, which count as wrong): no, yes. "
            + "The labels of the model are: false, true. Look at the labels, or set --label-field.",
            Assert.Single(ToolProcess.LinesOf(result.Error)));
        Assert.Equal("", models.Run("evaluate unknown.csv -m binary.zip -q").Error);
    }
}
