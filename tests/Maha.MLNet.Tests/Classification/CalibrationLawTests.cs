using System.Globalization;
using System.Text.RegularExpressions;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.MultiLabel;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>What is fitted to validation documents: by their weights, and by n-grams that have not learned from them.</summary>
public sealed partial class CalibrationLawTests
{
    private readonly MLContext _mlContext = new(1);

    // A document in three counts twice or three times. The median of the weights is 1, so that they are not scaled.
    private static int WeightOf(int row) => row % 3 == 0 ? 2 + (row / 3 % 2) : 1;

    [Theory]
    [InlineData(false, BinaryThreshold.BestF1, false)]
    [InlineData(false, BinaryThreshold.BestAccuracy, true)]
    [InlineData(true, BinaryThreshold.BestF1, true)]
    [InlineData(true, BinaryThreshold.BestAccuracy, false)]
    public void AValidationDocumentOfWeightTwo_CountsAsTwo(bool ngrams, BinaryThreshold threshold, bool forAccuracy)
    {
        var (training, validation) = (Verdicts(120, seed: 1), Verdicts(90, seed: 2));
        double[] weighted = Fit([.. validation.Select((row, i) => Weighted(row, WeightOf(i)))]);
        double[] repeated = Fit([.. validation.SelectMany((row, i) => Enumerable.Repeat(Weighted(row, 1), WeightOf(i)))]);
        double[] plain = Fit(validation);
        Assert.All(repeated.Zip(weighted), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
        // Each of the numbers depends on the weights.
        Assert.All(plain.Zip(weighted), pair => Assert.NotEqual(pair.First, pair.Second, 2e-3));

        double[] Fit(List<Verdict> judged)
        {
            using var model = Toys.BinaryTrainer(_mlContext, o =>
            {
                (o.NGrams, o.ExampleWeightColumnName, o.ValidationSet) = (ngrams, "Weight", _mlContext.Data.LoadFromEnumerable(judged));
                (o.Threshold, o.Abstention) = (threshold, forAccuracy ? Abstention.ForAccuracy(0.8) : Abstention.ForCoverage(0.6));
            }, epochs: 4).Fit(_mlContext.Data.LoadFromEnumerable(training));
            var manifest = model.Classifier.Manifest;
            double[] thresholds = [manifest.Threshold, manifest.AbstentionThreshold!.Value];
            return manifest.NGrams is { } fusion ? [fusion.Wide, fusion.Deep, .. thresholds] : [manifest.Temperature, .. thresholds];
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AValidationDocumentOfWeightTwo_CountsAsTwo_WithSeveralLabels(bool ngrams)
    {
        var (training, validation) = (Tagged(120, seed: 1), Tagged(90, seed: 2));
        var test = LabelToys.Keyed(_mlContext, LabelToys.Rows(20, seed: 3));
        var weighted = Fit([.. validation.Select((row, i) => Weighted(row, WeightOf(i)))]);
        var repeated = Fit([.. validation.SelectMany((row, i) => Enumerable.Repeat(Weighted(row, 1), WeightOf(i)))]);
        var plain = Fit(validation);
        Assert.All(repeated.Probabilities.Zip(weighted.Probabilities), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
        Assert.All(repeated.Thresholds.Zip(weighted.Thresholds), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
        Assert.Contains(plain.Probabilities.Zip(weighted.Probabilities), pair => Math.Abs(pair.First - pair.Second) > 1e-2);
        Assert.Contains(plain.Thresholds.Zip(weighted.Thresholds), pair => Math.Abs(pair.First - pair.Second) > 1e-2);

        (double[] Probabilities, IReadOnlyList<double> Thresholds) Fit(List<Tagged> judged)
        {
            using var model = LabelToys.Trainer(_mlContext, o =>
                (o.NGrams, o.ExampleWeightColumnName, o.ValidationSet) = (ngrams, "Weight", LabelToys.Keyed(_mlContext, judged)),
                epochs: 4).Fit(LabelToys.Keyed(_mlContext, training));
            return ([.. LabelToys.Predict(_mlContext, model, test).SelectMany(row => row.Probability).Select(p => (double)p)], [.. model.Thresholds]);
        }
    }

    [Fact]
    public void NGrams_GetNoCreditForLabelsThatTheyLearned()
    {
        // One word tells the label of two documents in three, and the others nothing. N-grams that learned from a document know its label all the same.
        var random = new Random(4);
        List<Verdict> rows =
        [
            .. Enumerable.Range(0, 240).Select(i =>
                new Verdict { Label = i % 2 == 1, Text = $"k{(random.Next(3) == 0 ? 1 - (i % 2) : i % 2)} {Words(random, 150)}" }),
        ];
        using var model = Toys.BinaryTrainer(_mlContext, o => (o.NGrams, o.ValidationFraction) = (true, 0.5), epochs: 2)
            .Fit(_mlContext.Data.LoadFromEnumerable(rows));
        Assert.InRange(model.Classifier.Manifest.NGrams!.Value.Wide, 0.5, 1.4);
    }

    [Fact]
    public void NGrams_GetNoCreditForSetsOfLabelsThatTheyLearned()
    {
        // The labels are random. N-grams that learned from a document still know them.
        var random = new Random(4);
        List<Tagged> rows =
        [
            .. Enumerable.Range(0, 240).Select(_ => new Tagged { Label = [.. Toys.Labels.Where(_ => random.Next(2) == 1)], Text = Words(random, 150) }),
        ];
        var data = LabelToys.Keyed(_mlContext, rows);
        using var model = LabelToys.Trainer(_mlContext, o => (o.NGrams, o.ValidationFraction) = (true, 0.5), epochs: 2).Fit(data);
        Assert.All(LabelToys.Predict(_mlContext, model, data).SelectMany(row => row.Probability), p => Assert.InRange(p, 0.1, 0.9));
    }

    [Fact]
    public void ADocument_IsNotAmongTheCopiesThatJudgeIt()
    {
        // Two documents have each text, and one pair in four has two labels: of what the other copy says, three answers in four are right.
        double coverage = double.NaN;
        _mlContext.Log += (_, message) => coverage = Answered().Match(message.RawMessage) is { Success: true } match
            ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : coverage;
        var random = new Random(5);
        var rows = Enumerable.Range(0, 120).SelectMany(pair =>
        {
            var (text, label) = (Words(random, 1000), random.Next(2) == 1);
            return new[] { new Verdict { Label = label, Text = text }, new Verdict { Label = label ^ pair % 4 == 0, Text = text } };
        });
        using var model = Toys.BinaryTrainer(
            _mlContext, o => (o.NGrams, o.ValidationFraction, o.Abstention) = (true, 0.5, Abstention.ForAccuracy(0.97)), epochs: 2)
            .Fit(_mlContext.Data.LoadFromEnumerable(rows));
        Assert.True(model.Classifier.NGrams!.RepeatedTexts.ArePredictive);
        // A document that judges itself is certain where its copy agrees, and then it is right.
        Assert.InRange(coverage, 0, 50);
    }

    [Fact]
    public void ANetworkWithoutAnEpochSinceItsRestart_IsNotTrained()
    {
        EpochReport Epoch(int number) => new() { Epoch = number, TrainingLoss = 1, Validation = null, Duration = TimeSpan.Zero };
        TrainingResult Result(int epochs, params int[] restarts) => new()
        {
            Outcome = TrainingOutcome.Canceled,
            Epochs = [.. Enumerable.Range(1, epochs).Select(Epoch)],
            Restarts =
            [
                .. restarts.Select(epoch => new TrainingRestart
                {
                    Epoch = epoch,
                    TrainingLoss = double.NaN,
                    ValidationLoss = null,
                    PriorLoss = null,
                    FromEpoch = null,
                    LearningRate = 1,
                }),
            ],
            Steps = 1,
            NumTrainingDocuments = 1,
            NumValidationDocuments = 0,
            Duration = TimeSpan.Zero,
        };
        Assert.False(NetworkUse.IsTrained(Result(0)));
        Assert.True(NetworkUse.IsTrained(Result(1)));
        Assert.False(NetworkUse.IsTrained(Result(1, 1)));
        Assert.True(NetworkUse.IsTrained(Result(2, 1)));
        Assert.False(NetworkUse.IsTrained(Result(2, 1, 2)));
    }

    // Words that predict the label only in part.
    private static List<Verdict> Verdicts(int count, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
                new Verdict { Label = i % 3 == 0, Text = Toys.Text(random, i % 3 == 0 ^ random.Next(4) == 0 ? 1 : 0), Weight = 1 }),
        ];
    }

    private static List<Tagged> Tagged(int count, int seed)
    {
        var random = new Random(seed);
        var rows = LabelToys.Rows(count, seed);
        // A row in three has the labels of another one.
        foreach (var row in rows.Where((_, i) => i % 3 == 1))
            row.Label = rows[random.Next(count)].Label;
        return rows;
    }

    private static string Words(Random random, int vocabulary) => string.Join(' ', Enumerable.Range(0, 12).Select(_ => $"w{random.Next(vocabulary)}"));

    private static Verdict Weighted(Verdict row, float weight) => new() { Label = row.Label, Text = row.Text, Weight = weight };

    private static Tagged Weighted(Tagged row, float weight) => new() { Label = row.Label, Text = row.Text, Weight = weight };

    [GeneratedRegex(@"^The classifier abstains below .* it answers ([0-9.]+)% of the validation documents")]
    private static partial Regex Answered();
}
