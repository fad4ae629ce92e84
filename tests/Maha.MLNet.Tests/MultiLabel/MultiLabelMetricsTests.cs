using Maha.MLNet.MultiLabel;

namespace Maha.MLNet.Tests.MultiLabel;

public class MultiLabelMetricsTests
{
    private static readonly string[] s_names = ["a", "b", "c"];

    /// <summary>The example of scikit-learn's documentation of label_ranking_average_precision_score, and counts by hand.</summary>
    [Theory]
    [InlineData(-2, -4)]
    [InlineData(4, 2)]
    [InlineData(1, -1)]
    public void OfEqualThresholds_TheOneNearestOneHalfIsChosen(double lowestPositive, double highestNegative)
    {
        float[][] odds = [.. Enumerable.Range(0, 40).Select(i => new[] { (float)(i % 2 == 0 ? lowestPositive + (i / 40.0) : highestNegative - (i / 40.0)) })];
        int[][] sets = [.. Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? new[] { 0 } : [])];
        double threshold = LabelThresholds.Choose(odds, sets, null).Single();
        double expected = Math.Clamp(0, highestNegative, lowestPositive);
        Assert.Equal(expected, Math.Log(threshold / (1 - threshold)), 0.11);
    }

    [Fact]
    public void Metrics_AreThoseOfTheDefinitions()
    {
        var metrics = MultiLabelMetrics.Create(
        [
            ([0.75f, 0.5f, 1], [true, false, true], [0], 1),
            ([1, 0.2f, 0.1f], [true, false, false], [2], 1),
        ], s_names);
        Assert.Equal(0.416666, metrics.LabelRankingAveragePrecision, 1e-5);
        Assert.Equal(2 * 1 / 5.0, metrics.MicroF1, 1e-12);
        Assert.Equal((2 * 1 / 3.0 + 0) / 2, metrics.MacroF1, 1e-12); // label b has no document and is not predicted
        Assert.Equal((1 / 3.0, 0.5), (metrics.MicroPrecision, metrics.MicroRecall));
        Assert.Equal(0, metrics.SubsetAccuracy);
        Assert.Equal(3 / 6.0, metrics.HammingLoss, 1e-12);
        Assert.Equal([0, 1 / 4.0, 1 / 3.0], metrics.PrecisionAtK);
        Assert.Equal(2, metrics.NumberOfDocuments);
        Assert.True(double.IsNaN(metrics.PerLabel[1].F1));
        Assert.Equal(new LabelMetrics("a", 0.5, 1, 2 / 3.0), metrics.PerLabel[0]);
    }

    [Fact]
    public void WeightsCountAsCopies()
    {
        (IReadOnlyList<float>, bool[], int[], double)[] rows = [([3, 2, 1], [true, true, false], [0, 1], 2), ([1, 3, 2], [false, true, false], [2], 1), ([0, 1, 0], [false, false, false], [], 1)];
        var weighted = MultiLabelMetrics.Create(rows, s_names);
        var twice = MultiLabelMetrics.Create([rows[0] with { Item4 = 1 }, rows[0] with { Item4 = 1 }, rows[1], rows[2]], s_names);
        Assert.Equal(twice.MicroF1, weighted.MicroF1, 1e-12);
        Assert.Equal(twice.MacroF1, weighted.MacroF1, 1e-12);
        Assert.Equal(twice.SubsetAccuracy, weighted.SubsetAccuracy, 1e-12);
        Assert.Equal(0.75, weighted.SubsetAccuracy, 1e-12); // no label, and none predicted, is correct
        Assert.Equal(twice.HammingLoss, weighted.HammingLoss, 1e-12);
        Assert.Equal(twice.LabelRankingAveragePrecision, weighted.LabelRankingAveragePrecision, 1e-12);
        Assert.All(twice.PrecisionAtK.Zip(weighted.PrecisionAtK), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Fact]
    public void Thresholds_AreThoseOfTheHighestF1_WhereALabelHasManyDocuments()
    {
        var random = new Random(4);
        const int count = 4000;
        float[][] odds = [.. Enumerable.Range(0, count).Select(_ => new[] { (float)((random.NextDouble() * 8) - 6), (float)((random.NextDouble() * 8) - 6), -3f })];
        int[][] sets = [.. odds.Select(row => Enumerable.Range(0, 2).Where(l => random.NextDouble() < 1 / (1 + Math.Exp(-row[l]))).ToArray())];
        double[] thresholds = LabelThresholds.Choose(odds, sets, null);
        for (int l = 0; l < 2; l++)
        {
            double best = Enumerable.Range(1, 99).Max(percent => F1(l, percent / 100.0));
            Assert.InRange(F1(l, thresholds[l]), best - 0.01, best);
            Assert.InRange(thresholds[l], 0.2, 0.5); // half of the highest F1
        }
        // A label of no document has the threshold of the others.
        Assert.InRange(thresholds[2], thresholds.Take(2).Min() - 0.1, thresholds.Take(2).Max() + 0.1);
        Assert.Empty(LabelThresholds.Choose([], [], null));

        double F1(int label, double threshold)
        {
            double limit = Math.Log(threshold / (1 - threshold));
            int found = Enumerable.Range(0, count).Count(i => odds[i][label] > limit && sets[i].Contains(label));
            return 2.0 * found / (odds.Count(row => row[label] > limit) + sets.Count(set => set.Contains(label)));
        }
    }
}
