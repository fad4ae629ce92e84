using Maha.Layers.Training;


namespace Maha.Layers.Tests.Training;

public class ClassificationCountsTests
{
    [Fact]
    public void Metrics_AreThoseOfAHandMadeExample()
    {
        var counts = new ClassificationCounts(5);
        // Class 0: 2 of 3 found, none wrongly. Class 1: 1 of 1 found, 1 wrongly. Class 2: never found. Class 3: only predicted. Class 4: absent.
        (int Label, int Predicted, double Probability)[] predictions = [(0, 0, 0.9), (0, 0, 0.5), (0, 1, 0.2), (1, 1, 0.6), (2, 3, 0.1)];
        foreach (var (label, predicted, probability) in predictions)
            counts.Add(label, predicted, Math.Log(probability));
        Assert.Equal(5, counts.Count);
        Assert.Equal(3.0 / 5, counts.Accuracy, 1e-15);
        Assert.Equal((4.0 / 5 + 2.0 / 3 + 0 + 0) / 4, counts.MacroF1, 1e-15);
        Assert.Equal(-Math.Log(0.9 * 0.5 * 0.2 * 0.6 * 0.1) / 5, counts.LogLoss, 1e-14);
    }

    [Fact]
    public void MacroF1_IsTheMeanOfHarmonicMeans()
    {
        var random = new Random(3);
        var counts = new ClassificationCounts(4);
        var pairs = Enumerable.Range(0, 200).Select(_ => (Label: random.Next(4), Predicted: random.Next(4))).ToList();
        foreach (var (label, predicted) in pairs)
            counts.Add(label, predicted, 0);
        double expected = Enumerable.Range(0, 4).Average(c =>
        {
            double right = pairs.Count(pair => pair.Label == c && pair.Predicted == c);
            double precision = right / pairs.Count(pair => pair.Predicted == c), recall = right / pairs.Count(pair => pair.Label == c);
            return 2 * precision * recall / (precision + recall);
        });
        Assert.Equal(expected, counts.MacroF1, 1e-12);
    }

    [Fact]
    public void WithoutDocuments_MetricsAreNaN()
    {
        var counts = new ClassificationCounts(2);
        Assert.Equal((double.NaN, double.NaN, double.NaN), (counts.Accuracy, counts.MacroF1, counts.LogLoss));
    }

    [Fact]
    public void ClassesOutOfRange_AreRefused()
    {
        var counts = new ClassificationCounts(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => counts.Add(2, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => counts.Add(0, -1, 0));
        Assert.Equal(0, counts.Count);
    }
}
