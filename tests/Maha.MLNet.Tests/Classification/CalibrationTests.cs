using Maha.MLNet.Classification;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

public class CalibrationTests
{
    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void Calibration_ChangesProbabilities_NotLabels()
    {
        var data = Toys.Keyed(_mlContext, Noisy(90));
        MahaTextClassificationTransformer Fit(bool calibrate) => Toys.Trainer(_mlContext,
            options => (options.CalibrateProbabilities, options.ValidationFraction) = (calibrate, 0.3), epochs: 6).Fit(data);
        using var plain = Fit(false);
        using var calibrated = Fit(true);
        Assert.Equal(1, plain.Temperature);
        Assert.NotEqual(1, calibrated.Temperature);
        var before = Scores(plain.Transform(data));
        var after = Scores(calibrated.Transform(data));
        Assert.Equal(before.Select(row => row.Label), after.Select(row => row.Label));
        for (int i = 0; i < before.Count; i++)
        {
            double[] expected = [.. before[i].Score.Select(p => Math.Pow(p, 1 / calibrated.Temperature))];
            for (int c = 0; c < expected.Length; c++)
                Assert.Equal(expected[c] / expected.Sum(), after[i].Score[c], 1e-4);
        }
    }

    [Fact]
    public void Calibration_IsSaved()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(60));
        using var model = Toys.BinaryTrainer(_mlContext,
            options => (options.Threshold, options.ValidationFraction) = (BinaryThreshold.BestF1, 0.3), epochs: 2).Fit(data);
        using var loaded = (MahaBinaryTextClassificationTransformer)ModelZip.Load(ModelZip.Save(_mlContext, model, data.Schema));
        Assert.Equal((model.Temperature, model.Threshold), (loaded.Temperature, loaded.Threshold));
        Assert.NotEqual(1, loaded.Temperature);
        Assert.Equal(Rows.Of(model.Transform(data)), Rows.Of(loaded.Transform(data)));
    }

    /// <summary>Properties that the first format of the file lacks have the values that it implied.</summary>
    [Fact]
    public void FirstVersionOfTheFile_IsReadAsNotCalibrated()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12));
        using var model = Toys.BinaryTrainer(_mlContext).Fit(data);
        var zip = new ModelZip(ModelZip.Save(_mlContext, model, data.Schema));
        var json = System.Text.Json.Nodes.JsonNode.Parse(zip["Classifier.json"])!.AsObject();
        json["FormatVersion"] = 1;
        Assert.True(json.Remove("Temperature") && json.Remove("Threshold"));
        zip["Classifier.json"] = System.Text.Encoding.UTF8.GetBytes(json.ToJsonString());
        zip.Sign();
        using var loaded = (MahaBinaryTextClassificationTransformer)ModelZip.Load(zip.ToArray());
        Assert.Equal((1, 0.5), (loaded.Temperature, loaded.Threshold));
        Assert.Equal(Rows.Of(model.Transform(data)), Rows.Of(loaded.Transform(data)));
    }

    [Fact]
    public void Threshold_IsThatOfProbabilities_ScoresAndEvaluator()
    {
        // Few documents are true, and their words predict it only in part: with the threshold 1/2, nearly all predictions are false.
        var random = new Random(3);
        List<Verdict> rows =
            [.. Enumerable.Range(0, 200).Select(i => new Verdict { Label = i % 8 == 0, Text = Toys.Text(random, i % 8 == 0 || i % 3 == 0 ? 1 : 0) })];
        var data = _mlContext.Data.LoadFromEnumerable(rows);
        using var model = Toys.BinaryTrainer(_mlContext,
            options => (options.Threshold, options.ValidationSet) = (BinaryThreshold.BestF1, data), epochs: 4).Fit(data);
        Assert.InRange(model.Threshold, 0.01, 0.49);
        var predictions = _mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(data), reuseRowObject: false).ToList();
        Assert.All(predictions, row => Assert.Equal(row.Probability > model.Threshold, row.PredictedLabel));
        Assert.All(predictions, row => Assert.Equal(1 / (1 + Math.Exp(-row.Score - Math.Log(model.Threshold / (1 - model.Threshold)))), row.Probability, 1e-5));
        double best = F1(predictions, model.Threshold);
        Assert.Equal(best, _mlContext.BinaryClassification.Evaluate(model.Transform(data)).F1Score, 1e-9);
        Assert.True(best > F1(predictions, 0.5));
        Assert.Equal(best, predictions.Max(row => F1(predictions, row.Probability - 1e-7)), 1e-9);

        double F1(List<BinaryPrediction> scored, double threshold)
        {
            int right = scored.Zip(rows).Count(pair => pair.First.Probability > threshold && pair.Second.Label);
            return 2.0 * right / (scored.Count(row => row.Probability > threshold) + rows.Count(row => row.Label));
        }
    }

    [Fact]
    public void ChosenThreshold_IsAsGoodAsAnyOther()
    {
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            int count = 1 + random.Next(12);
            double[] probabilities = [.. Enumerable.Range(0, count).Select(_ => 0.1 * random.Next(1, 10))];
            bool[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(3) == 0)];
            foreach (var kind in new[] { BinaryThreshold.BestAccuracy, BinaryThreshold.BestF1 })
            {
                double threshold = ThresholdSelection.Choose(kind, probabilities, labels);
                Assert.InRange(threshold, 1e-6, 1 - 1e-6);
                double best = probabilities.SelectMany(p => new[] { p - 1e-9, p + 1e-9 }).Append(0.5).Max(candidate => Quality(kind, candidate));
                Assert.Equal(best, Quality(kind, threshold), 1e-12);
                if (Quality(kind, 0.5) == best)
                    Assert.Equal(0.5, threshold);
            }

            double Quality(BinaryThreshold kind, double threshold)
            {
                double right = probabilities.Zip(labels).Count(pair => pair.First > threshold == pair.Second);
                double truePositives = probabilities.Zip(labels).Count(pair => pair.First > threshold && pair.Second);
                double marked = probabilities.Count(p => p > threshold) + labels.Count(label => label);
                return kind == BinaryThreshold.BestAccuracy ? right / count : marked == 0 ? 0 : 2 * truePositives / marked;
            }
        }
        Assert.Equal(0.5, ThresholdSelection.Choose(BinaryThreshold.Half, [0.9], [false]));
        Assert.Equal(0.5, ThresholdSelection.Choose(BinaryThreshold.BestF1, [], []));
    }

    [Fact]
    public void ThresholdWithoutValidation_Throws()
    {
        var refusal = Assert.Throws<ArgumentException>(() => Toys.BinaryTrainer(_mlContext, options => options.Threshold = BinaryThreshold.BestF1));
        Assert.Contains("Threshold must be Half where nothing validates, but is BestF1", refusal.Message);
        Assert.Equal(nameof(MahaBinaryTextClassificationTrainer.Options.Threshold), refusal.ParamName);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    [InlineData(9)]
    public void UnknownThreshold_Throws_WithOrWithoutValidation(int value)
    {
        foreach (double fraction in new[] { 0, 0.3 })
        {
            var refusal = Assert.Throws<ArgumentOutOfRangeException>(() => Toys.BinaryTrainer(
                _mlContext, options => (options.Threshold, options.ValidationFraction) = ((BinaryThreshold)value, fraction)));
            Assert.Contains(
                $"Threshold must be one of Half, BestAccuracy, BestF1, but is {value}. Leave it out for Half, ML.NET's threshold.", refusal.Message);
            Assert.Equal(nameof(MahaBinaryTextClassificationTrainer.Options.Threshold), refusal.ParamName);
            Assert.Equal((BinaryThreshold)value, refusal.ActualValue);
        }
    }

    // Every fifth label is wrong, so that confident probabilities have a high loss.
    private static List<Document> Noisy(int count)
    {
        var documents = Toys.Documents(count);
        for (int i = 0; i < count; i += 5)
            documents[i].Label = Toys.Labels[(i + 1) % 3];
        return documents;
    }

    private List<(uint Label, float[] Score)> Scores(IDataView view)
        => [.. _mlContext.Data.CreateEnumerable<Scored>(view, reuseRowObject: false).Select(row => (row.PredictedLabel, row.Score!))];

    private sealed class Scored
    {
        [Microsoft.ML.Data.KeyType(3)]
        public uint PredictedLabel { get; set; }

        public float[]? Score { get; set; }
    }
}
