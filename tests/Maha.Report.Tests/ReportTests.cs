using System.Text.RegularExpressions;
using System.Xml.Linq;
using Maha.Layers.Attention;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests;
using Microsoft.ML;

namespace Maha.Report.Tests;

/// <summary>Reports of trained classifiers.</summary>
public sealed partial class ReportTests : IDisposable
{
    private const string Hostile = "<script>alert(1)</script>\"><img src=x onerror='alert(2)'>&\0\ud83d";

    private readonly MLContext _mlContext = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-report-").FullName;

    private string File => Path.Combine(_folder, "report.html");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Report_HasItsSections_AndNeedsNothing()
    {
        var history = new TrainingHistory();
        var options = Toys.Small<MahaTextClassificationTrainer.Options>(epochs: 3);
        (options.NGrams, options.ValidationFraction, options.Progress) = (true, 0.2, history);
        options.ClassWeights = new Dictionary<string, double> { ["tools"] = 1.5, ["animals"] = 4 };
        string html = Write(options, Toys.Documents(90), new ReportOptions
        {
            Title = "Toys",
            Description = "What it is for.",
            History = history,
            TrainerOptions = options,
            TrainingData = _mlContext.Data.LoadFromEnumerable(Toys.Documents(90)),
            Log = ["a line of the log"],
        });
        foreach (string part in new[]
        {
            "<title>Toys</title>", "What it is for.", ">Training<", ">Labels<", "When to trust it", "Reliability", "Accuracy by length", "Coverage by threshold",
            "highlights of predictions", "Inside the network", "Model card", "SHA-256 of the training data", "libtorch", "Options that were set", "VocabSize",
            "animals = 4, tools = 1.5", "a line of the log", "prefers-color-scheme: dark", "<th>animals</th>", "accuracy",
        })
        {
            Assert.Contains(part, html, StringComparison.Ordinal);
        }
        // One file: no script, nothing that is loaded, nothing that leads elsewhere.
        Assert.DoesNotMatch(Loading(), html);
        AssertWellFormed(html);
        Assert.InRange(new FileInfo(File).Length, 10_000, 1_000_000);
        Assert.Equal([File], Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public void HostileTextsAndLabels_AreEscaped()
    {
        var rows = Toys.Documents(60);
        foreach (var row in rows)
        {
            row.Label = row.Label == "animals" ? Hostile : row.Label;
            row.Text = $"{row.Text} {Hostile} {row.Text}";
        }
        var options = Toys.Small<MahaTextClassificationTrainer.Options>();
        options.NGrams = true;
        string html = Write(options, rows, new ReportOptions { Title = Hostile, Description = Hostile, Log = [Hostile], TrainerOptions = options });
        Assert.DoesNotMatch(Loading(), html);
        Assert.Contains("&lt;script&gt;alert(1)", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', html);
        AssertWellFormed(html);
    }

    [Fact]
    public void BinaryClassifier_HasAReport_FromItsZipToo()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(60));
        using var model = Toys.BinaryTrainer(_mlContext, options => options.NGrams = true).Fit(data);
        _mlContext.Model.SaveReport(model, data, File);
        string html = System.IO.File.ReadAllText(File);
        Assert.Contains("<th>True</th>", html, StringComparison.Ordinal);
        Assert.Contains("threshold", html, StringComparison.Ordinal);
        Assert.DoesNotContain(">Training<", html, StringComparison.Ordinal);
        AssertWellFormed(html);

        using var stream = new MemoryStream();
        _mlContext.Model.Save(model, data.Schema, stream);
        stream.Position = 0;
        var loaded = _mlContext.Model.Load(stream, out _);
        _mlContext.Model.SaveReport(loaded, data, File);
        // The same but for the minute.
        Assert.Equal(Minute().Replace(html, ""), Minute().Replace(System.IO.File.ReadAllText(File), ""));
        (loaded as IDisposable)?.Dispose();
    }

    [Theory]
    [InlineData("false", "true")]
    [InlineData("0", "1")]
    [InlineData("FALSE", "True")]
    public void BinaryClassifier_TakesTexts_AsLabels(string no, string yes)
    {
        var verdicts = Toys.Verdicts(60);
        using var model = Toys.BinaryTrainer(_mlContext).Fit(_mlContext.Data.LoadFromEnumerable(verdicts));
        var texts = verdicts.Select(row => new Document { Label = row.Label ? yes : no, Text = row.Text });
        _mlContext.Model.SaveReport(model, _mlContext.Data.LoadFromEnumerable(verdicts), File);
        string html = System.IO.File.ReadAllText(File);
        _mlContext.Model.SaveReport(model, _mlContext.Data.LoadFromEnumerable(texts), File);
        // The same but for the minute, also the hash of labels and texts.
        Assert.Equal(Minute().Replace(html, ""), Minute().Replace(System.IO.File.ReadAllText(File), ""));
    }

    [Fact]
    public void ScaleWeights_AreShown_WhereTheModelHasScales()
    {
        var options = Toys.Small<MahaTextClassificationTrainer.Options>();
        (options.Attention, options.Window) = (AttentionKind.Maha, 8);
        string html = Write(options, Toys.Documents(40), new ReportOptions { NumberOfHighlights = 1 });
        Assert.Contains("Weights of the scales", html, StringComparison.Ordinal);
        AssertWellFormed(html);
    }

    [Fact]
    public void ManyLabels_ShowTheConfusedOnes()
    {
        var rows = Enumerable.Range(0, 120)
            .Select(i => new Document { Label = $"label {i % 40:D2}", Text = $"word{i % 40} the of and {Toys.Labels[i % 3]}" }).ToList();
        var options = Toys.Small<MahaTextClassificationTrainer.Options>();
        options.NGrams = true;
        string html = Write(options, rows, new ReportOptions { NumberOfHighlights = 0 });
        Assert.Contains("The 24 labels of 40", html, StringComparison.Ordinal);
        Assert.DoesNotContain("highlights of predictions", html, StringComparison.Ordinal);
        AssertWellFormed(html);
    }

    [Fact]
    public void BadArguments_AreRefused_AndTheFileStays()
    {
        var data = Toys.Keyed(_mlContext, Toys.Documents(30));
        using var model = Toys.Trainer(_mlContext).Fit(data);
        System.IO.File.WriteAllText(File, "old");
        var others = Toys.Keyed(_mlContext, [new Document { Label = "none of the model's", Text = "a" }]);
        var error = Assert.Throws<ArgumentException>(() => _mlContext.Model.SaveReport(model, others, File));
        Assert.StartsWith("The test data must have a document with a label of the model", error.Message, StringComparison.Ordinal);
        var mapping = _mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(_mlContext.Data.LoadFromEnumerable(Toys.Documents(3)));
        Assert.Contains("has 0", Assert.Throws<ArgumentException>(() => _mlContext.Model.SaveReport(mapping, data, File)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => _mlContext.Model.SaveReport(model, data, File, new ReportOptions { NumberOfHighlights = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => _mlContext.Model.SaveReport(model, data, File, new ReportOptions { MaxHighlightCharacters = 99 }));
        Assert.ThrowsAny<OperationCanceledException>(() => _mlContext.Model.SaveReport(model, data, File, new ReportOptions { CancellationToken = new(true) }));
        Assert.Equal("old", System.IO.File.ReadAllText(File));
    }

    private string Write(MahaTextClassificationTrainer.Options options, List<Document> rows, ReportOptions report)
    {
        Toys.ShrinkWindow(options);
        var data = _mlContext.Data.LoadFromEnumerable(rows);
        using var model = _mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(_mlContext.MulticlassClassification.Trainers.MahaTextClassification(options)).Fit(data);
        _mlContext.Model.SaveReport(model, data, File, report);
        return System.IO.File.ReadAllText(File);
    }

    // The page is also XML but for its type and its elements without an end.
    private static void AssertWellFormed(string html)
    {
        string plain = html.Replace("<!DOCTYPE html>", "", StringComparison.Ordinal).Replace("<details open>", "<details>", StringComparison.Ordinal);
        string xml = Void().Replace(plain, "");
        var page = XElement.Parse(xml);
        string[] ids = [.. page.Descendants().Attributes("id").Select(id => id.Value)];
        Assert.Equal(ids.Distinct(), ids);
        var charts = page.Descendants("svg").ToList();
        Assert.NotEmpty(charts);
        Assert.All(charts, chart => Assert.NotEmpty(chart.Elements("text")));
        // The colors are the page's, so that they follow light and dark.
        Assert.DoesNotMatch("(fill|stroke)=\"(#|black|white)", xml);
    }

    [GeneratedRegex("<(script|img|link|iframe|object|embed|base|a )|\\b(src|href|onerror|onload)=\"|url\\((?!#)|@import", RegexOptions.IgnoreCase)]
    private static partial Regex Loading();

    [GeneratedRegex("<meta [^>]*>")]
    private static partial Regex Void();

    [GeneratedRegex(@"\d\d:\d\d UTC")]
    private static partial Regex Minute();
}
