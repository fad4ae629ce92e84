using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Evaluators;

public class EvaluatorTests
{
    private sealed class Scored3
    {
        public string Class { get; set; } = "";

        [VectorType(3)]
        public float[] Score { get; set; } = [];

        [KeyType(3)]
        public uint PredictedLabel { get; set; }
    }

    private sealed class Scored2
    {
        public bool Label { get; set; }

        public float Score { get; set; }

        public float Probability { get; set; }

        public bool PredictedLabel { get; set; }
    }

    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void MulticlassMetrics_EqualHandComputedValues()
    {
        // Right: a, a, b; wrong: b taken for c, c taken for a (second choice c).
        var view = Multiclass(
            ("a", [0.7f, 0.2f, 0.1f]), ("a", [0.5f, 0.3f, 0.2f]), ("b", [0.1f, 0.8f, 0.1f]), ("b", [0.3f, 0.1f, 0.6f]), ("c", [0.6f, 0.1f, 0.3f]));
        var metrics = _context.MulticlassClassification.Evaluate(view, "Key", topKPredictionCount: 2);

        Assert.Equal(3.0 / 5, metrics.MicroAccuracy, 1e-12);
        Assert.Equal((1 + 0.5 + 0) / 3, metrics.MacroAccuracy, 1e-12);
        double[] losses = [-Math.Log(0.7f), -Math.Log(0.5f), -Math.Log(0.8f), -Math.Log(0.1f), -Math.Log(0.3f)];
        Assert.Equal(losses.Average(), metrics.LogLoss, 1e-9);
        double prior = -(2 * 0.4 * Math.Log(0.4) + 0.2 * Math.Log(0.2));
        Assert.Equal((prior - losses.Average()) / prior, metrics.LogLossReduction, 1e-9);
        Assert.Equal([(losses[0] + losses[1]) / 2, (losses[2] + losses[3]) / 2, losses[4]], metrics.PerClassLogLoss, (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(2, metrics.TopKPredictionCount);
        Assert.Equal([0.6, 0.8], metrics.TopKAccuracyForAllK);
        Assert.Equal(0.8, metrics.TopKAccuracy);

        var matrix = metrics.ConfusionMatrix;
        Assert.Equal(3, matrix.NumberOfClasses);
        Assert.Equal([[2, 0, 0], [0, 1, 1], [1, 0, 0]], matrix.Counts);
        Assert.Equal([1, 0.5, 0], matrix.PerClassRecall);
        Assert.Equal([2.0 / 3, 1, 0], matrix.PerClassPrecision);
        Assert.Equal(1, matrix.GetCountForClassPair(predictedClassIndicatorIndex: 2, actualClassIndicatorIndex: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.GetCountForClassPair(3, 0));
    }

    [Fact]
    public void EqualScores_GoToTheFirstClass()
    {
        var metrics = _context.MulticlassClassification.Evaluate(
            Multiclass(("a", [0.4f, 0.4f, 0.2f]), ("b", [0.4f, 0.4f, 0.2f]), ("c", [0, 0, 1])), "Key", topKPredictionCount: 2);
        Assert.Equal([[1, 0, 0], [1, 0, 0], [0, 0, 1]], metrics.ConfusionMatrix.Counts);
        Assert.Equal([2.0 / 3, 1], metrics.TopKAccuracyForAllK);
    }

    [Fact]
    public void BadScores_AreLeftOut()
    {
        var metrics = _context.MulticlassClassification.Evaluate(
            Multiclass(("a", [1, 0, 0]), ("b", [float.NaN, 0, 0]), ("c", [0, 0, 1]), ("b", [0, 1, 0])), "Key");
        Assert.Equal(1, metrics.MicroAccuracy);
        Assert.Equal(3, metrics.ConfusionMatrix.Counts.Sum(r => r.Sum()));
    }

    [Fact]
    public void ShortNames_StandInTheHeaderOfTheConfusionTable()
    {
        var metrics = _context.MulticlassClassification.Evaluate(
            Multiclass(("a", [0.7f, 0.2f, 0.1f]), ("a", [0.5f, 0.3f, 0.2f]), ("b", [0.1f, 0.8f, 0.1f]), ("b", [0.3f, 0.1f, 0.6f]), ("c", [0.6f, 0.1f, 0.3f])), "Key");
        string[] expected =
        [
            "",
            "Confusion table",
            "          ||========================",
            "PREDICTED ||     0 |     1 |     2 | Recall",
            "TRUTH     ||========================",
            "        0 ||     2 |     0 |     0 | 1.0000",
            "        1 ||     0 |     1 |     1 | 0.5000",
            "        2 ||     1 |     0 |     0 | 0.0000",
            "          ||========================",
            "Precision ||0.6667 |1.0000 |0.0000 |",
            "",
        ];
        Assert.Equal(string.Join(Environment.NewLine, expected), metrics.ConfusionMatrix.GetFormattedConfusionTable());
    }

    [Fact]
    public void LongNames_AreNumberedInTheConfusionTable()
    {
        var matrix = new ConfusionMatrix([[10, 2], [1234, 5]], ["short", "a long name"], isBinary: false);
        string[] expected =
        [
            "",
            "Confusion table",
            "               ||======================",
            "PREDICTED      ||        0 |        1 | Recall",
            "TRUTH          ||======================",
            "0.       short ||       10 |        2 | 0.8333",
            "1. a long name ||    1,234 |        5 | 0.0040",
            "               ||======================",
            "Precision      ||   0.0080 |   0.7143 |",
            "",
        ];
        Assert.Equal(string.Join(Environment.NewLine, expected), matrix.GetFormattedConfusionTable());
    }

    [Fact]
    public void BinaryMetrics_EqualHandComputedValues()
    {
        var metrics = _context.BinaryClassification.Evaluate(BinaryView());

        // By falling score: + - + | - (tie) + -; threshold 0 after the first three.
        Assert.Equal(4.0 / 6, metrics.Accuracy, 1e-12);
        Assert.Equal(2.0 / 3, metrics.PositivePrecision, 1e-12);
        Assert.Equal(2.0 / 3, metrics.PositiveRecall, 1e-12);
        Assert.Equal(2.0 / 3, metrics.NegativePrecision, 1e-12);
        Assert.Equal(2.0 / 3, metrics.NegativeRecall, 1e-12);
        Assert.Equal(2.0 / 3, metrics.F1Score, 1e-12);

        // Pairs in order: the negative at 2 has 1 positive above, those at -1 two and a tie, at -3 three.
        Assert.Equal((1 + 2.5 + 3) / 9, metrics.AreaUnderRocCurve, 1e-12);
        double area = (1.0 / 3) * (1 + 1) / 2 + (1.0 / 3) * (1.0 / 2 + 2.0 / 3) / 2 + (1.0 / 3) * (2.0 / 4 + 3.0 / 5) / 2;
        Assert.Equal(area, metrics.AreaUnderPrecisionRecallCurve, 1e-12);
        double loss = -(Math.Log2(0.9f) + Math.Log2(1 - 0.8f) + Math.Log2(0.7f) + Math.Log2(1 - 0.3f) + Math.Log2(0.3f) + Math.Log2(1 - 0.1f)) / 6;
        Assert.Equal(loss, metrics.LogLoss, 1e-6);
        Assert.Equal(1, metrics.Entropy, 1e-12);
        Assert.Equal(1 - loss, metrics.LogLossReduction, 1e-6);
        Assert.Equal([[2, 1], [1, 2]], metrics.ConfusionMatrix.Counts);
    }

    [Fact]
    public void BinaryConfusionTable_IsPrintedWithTheRatioOfPositives()
    {
        string[] expected =
        [
            "TEST POSITIVE RATIO:\t0.5000 (3.0/(3.0+3.0))",
            "Confusion table",
            "          ||======================",
            "PREDICTED || positive | negative | Recall",
            "TRUTH     ||======================",
            " positive ||        2 |        1 | 0.6667",
            " negative ||        1 |        2 | 0.6667",
            "          ||======================",
            "Precision ||   0.6667 |   0.6667 |",
            "",
        ];
        Assert.Equal(string.Join(Environment.NewLine, expected), _context.BinaryClassification.Evaluate(BinaryView()).ConfusionMatrix.GetFormattedConfusionTable());
    }

    [Fact]
    public void NonCalibrated_GivesTheSameRanking()
    {
        var metrics = _context.BinaryClassification.EvaluateNonCalibrated(BinaryView());
        Assert.Equal(6.5 / 9, metrics.AreaUnderRocCurve, 1e-12);
        Assert.Equal(4.0 / 6, metrics.Accuracy, 1e-12);
    }

    [Fact]
    public void MissingOrWrongColumns_AreErrors()
    {
        var view = Multiclass(("a", [1, 0, 0]), ("b", [0, 1, 0]), ("c", [0, 0, 1]));
        var missing = Assert.Throws<ArgumentOutOfRangeException>(() => _context.MulticlassClassification.Evaluate(view, "Nope"));
        Assert.Contains("Label column 'Nope' not found", missing.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.MulticlassClassification.Evaluate(view, "Class"));
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.MulticlassClassification.Evaluate(BinaryView()));
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.MulticlassClassification.Evaluate(view, "Key", topKPredictionCount: 4));
        var oneClass = _context.Data.LoadFromEnumerable([new Scored2 { Label = true, Score = 1 }]);
        Assert.Contains("no negative class", Assert.Throws<ArgumentOutOfRangeException>(() => _context.BinaryClassification.Evaluate(oneClass)).Message);
    }

    [Fact]
    public void CrossValidate_HoldsOutEveryRowOnce()
    {
        var random = new Random(4);
        var rows = Enumerable.Range(0, 200).Select(_ =>
        {
            float x = (float)random.NextDouble() * 2 - 1;
            return new Scored2 { Label = x + 0.3 * random.NextDouble() > 0, Score = x };
        }).ToList();
        var data = _context.Data.LoadFromEnumerable(rows);
        var pipeline = _context.Transforms.Concatenate("Features", "Score").Append(_context.BinaryClassification.Trainers.LbfgsLogisticRegression());
        var folds = _context.BinaryClassification.CrossValidate(data, pipeline, numberOfFolds: 4, seed: 2);

        Assert.Equal([0, 1, 2, 3], folds.Select(f => f.Fold));
        Assert.Equal(200, folds.Sum(f => f.Metrics.ConfusionMatrix.Counts.Sum(r => r.Sum())));
        Assert.All(folds, f => Assert.True(f.Metrics.Accuracy > 0.7, $"{f.Metrics.Accuracy}"));
        Assert.All(folds, f => Assert.NotNull(f.ScoredHoldOutSet.Schema.GetColumnOrNull("Probability")));
        var again = _context.BinaryClassification.CrossValidate(data, pipeline, numberOfFolds: 4, seed: 2);
        Assert.Equal(folds.Select(f => f.Metrics.LogLoss), again.Select(f => f.Metrics.LogLoss));
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.BinaryClassification.CrossValidate(data, pipeline, numberOfFolds: 1));
    }

    private IDataView BinaryView() => _context.Data.LoadFromEnumerable(
    [
        new Scored2 { Label = true, Score = 3, Probability = 0.9f },
        new Scored2 { Label = false, Score = 2, Probability = 0.8f },
        new Scored2 { Label = true, Score = 1, Probability = 0.7f },
        new Scored2 { Label = false, Score = -1, Probability = 0.3f },
        new Scored2 { Label = true, Score = -1, Probability = 0.3f },
        new Scored2 { Label = false, Score = -3, Probability = 0.1f },
    ]);

    private IDataView Multiclass(params (string Class, float[] Score)[] rows)
    {
        var data = _context.Data.LoadFromEnumerable(rows.Select(r => new Scored3 { Class = r.Class, Score = r.Score, PredictedLabel = 1 }));
        return _context.Transforms.Conversion.MapValueToKey("Key", "Class").Fit(data).Transform(data);
    }
}
