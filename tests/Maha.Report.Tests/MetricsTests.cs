using Maha.Report.Content;

namespace Maha.Report.Tests;

/// <summary>The metrics of a report, against their definitions.</summary>
public sealed class MetricsTests
{
    // Label, prediction, confidence, probability of the label, words.
    private static readonly JudgedRow[] s_rows =
    [
        new(0, 0, 0.9, 0.9, 10), new(0, 0, 0.8, 0.8, 20), new(0, 1, 0.6, 0.4, 30), new(1, 1, 0.7, 0.7, 40), new(1, 1, 0.95, 0.95, 50),
        new(1, 0, 0.55, 0.45, 60), new(1, 1, 0.95, 0.95, 70), new(2, 1, 0.5, 0.3, 80),
    ];

    [Fact]
    public void Metrics_AreThoseOfTheDefinition()
    {
        var metrics = new Metrics(s_rows, 4);
        Assert.Equal(5.0 / 8, metrics.Accuracy, 1e-12);
        Assert.Equal((3, 1, 2), (metrics.Confusion[1, 1], metrics.Confusion[1, 0], metrics.Confusion[0, 0]));
        Assert.Equal((1, 1), (metrics.Confusion[0, 1], metrics.Confusion[2, 1]));
        Assert.Equal(new LabelMetrics(4, 3.0 / 5, 3.0 / 4, 2 * 3.0 / 9), metrics.Labels[1]);
        Assert.Equal(default, metrics.Labels[3]);
        // Label 3 has no document and does not count.
        Assert.Equal((metrics.Labels[0].F1 + metrics.Labels[1].F1 + 0) / 3, metrics.MacroF1, 1e-12);
        Assert.Equal(-s_rows.Average(row => Math.Log(row.OfLabel)), metrics.LogLoss, 1e-12);
        Assert.Equal(8, metrics.Bins.Sum(bin => bin.Documents));
        Assert.Equal(new ReliabilityBin((0.55 + 0.5) / 2, 0, 2), metrics.Bins[0]);
        Assert.InRange(metrics.CalibrationError, 0.01, 1);
    }

    [Fact]
    public void Coverage_IsTheAccuracyOfWhatIsAnswered()
    {
        var points = Metrics.Coverage(s_rows);
        // Equal confidences are one point.
        Assert.Equal(new CoveragePoint(0.95, 2.0 / 8, 1), points[0]);
        Assert.Equal(7, points.Count);
        Assert.Equal(new CoveragePoint(0.5, 1, 5.0 / 8), points[^1]);
        foreach (var point in points)
        {
            var answered = s_rows.Where(row => row.Confidence >= point.Confidence).ToList();
            Assert.Equal(answered.Count / 8.0, point.Coverage, 1e-12);
            Assert.Equal(answered.Count(row => row.IsRight) / (double)answered.Count, point.Accuracy, 1e-12);
        }
    }

    [Fact]
    public void LengthGroups_HaveEveryDocumentOnce_AndEqualLengthsTogether()
    {
        var rows = s_rows.Append(new(0, 0, 1, 1, 40)).Append(new(0, 0, 1, 1, 40)).ToList();
        var groups = Metrics.ByLength(rows, 4);
        Assert.Equal(rows.Count, groups.Sum(group => group.Documents));
        Assert.True(groups.Zip(groups.Skip(1)).All(pair => pair.First.Longest < pair.Second.Shortest));
        Assert.All(groups, group => Assert.True(group.Low <= group.Accuracy + 1e-9 && group.Accuracy <= group.High + 1e-9));
        Assert.All(groups, group => Assert.True(group.Low >= 0 && group.High <= 1.0001));
        Assert.Equal(rows.Count, Assert.Single(Metrics.ByLength(rows, 1)).Documents);
        Assert.Single(Metrics.ByLength([.. rows.Select(row => row with { Words = 5 })], 6));
    }

    [Fact]
    public void Examples_AreTheSurestErrors_AndDifferentLabels()
    {
        var choice = new ExampleChoice(2);
        JudgedRow[] rows = [new(0, 0, 1, 1, 1), new(0, 0, 1, 1, 2), new(1, 0, 0.6, 0.1, 3), new(1, 0, 0.9, 0.1, 4), new(1, 1, 1, 1, 5), new(2, 0, 0.7, 0.1, 6)];
        foreach (var row in rows)
            choice.Add(row, "text".AsMemory());
        Assert.Equal([4, 6], choice.Wrong.Select(example => example.Row.Words));
        Assert.Equal([1, 5], choice.Right.Select(example => example.Row.Words));
        var none = new ExampleChoice(0);
        none.Add(rows[0], default);
        none.Add(rows[2], default);
        Assert.Empty(none.Right.Concat(none.Wrong));
    }
}
