using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Classification;

[Collection(FittedCollection.Name)]
public class AbstentionTests(FittedModels fitted)
{
    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void ClassifiersWithAbstention_KeepTheContract()
    {
        EstimatorContract.Check(_mlContext, Toys.BinaryTrainer(_mlContext, o => o.Abstention = Abstention.Below(0.6)),
            _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12)));
        EstimatorContract.Check(_mlContext, Toys.Trainer(_mlContext, o => (o.Abstention, o.AbstainedColumnName) = (Abstention.Below(0.6), "Unsure")),
            Toys.Keyed(_mlContext, Toys.Documents(12)));
    }

    [Fact]
    public void AMulticlassModel_AbstainsBelowTheThreshold()
    {
        var data = Toys.Keyed(_mlContext, Toys.Documents(60));
        using var model = Toys.Trainer(_mlContext, o => o.Abstention = Abstention.Below(0.7), epochs: 3).Fit(data);
        Assert.Equal(0.7, model.AbstentionThreshold);
        var rows = _mlContext.Data.CreateEnumerable<Answer>(model.Transform(data), reuseRowObject: false).ToList();
        Assert.Contains(rows, row => row.Abstained);
        Assert.Contains(rows, row => !row.Abstained);
        Assert.All(rows, row => Assert.Equal(row.Score!.Max() < 0.7, row.Abstained));
    }

    [Fact]
    public void ABinaryModel_AbstainsWhereItsPredictedLabelIsImprobable()
    {
        var random = new Random(3);
        List<Verdict> verdicts =
            [.. Enumerable.Range(0, 200).Select(i => new Verdict { Label = i % 8 == 0, Text = Toys.Text(random, i % 8 == 0 || i % 3 == 0 ? 1 : 0) })];
        var data = _mlContext.Data.LoadFromEnumerable(verdicts);
        using var model = Toys.BinaryTrainer(
            _mlContext, o => (o.Threshold, o.ValidationSet, o.Abstention) = (BinaryThreshold.BestF1, data, Abstention.Below(0.8)), epochs: 4).Fit(data);
        Assert.True(model.Threshold < 0.5);
        var rows = _mlContext.Data.CreateEnumerable<Verdicts>(model.Transform(data), reuseRowObject: false).ToList();
        // True is predicted with a low probability, too.
        Assert.Contains(rows, row => row.PredictedLabel && row.Abstained);
        Assert.All(rows, row => Assert.Equal((row.PredictedLabel ? row.Probability : 1 - row.Probability) < 0.8, row.Abstained));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheThreshold_IsChosenOnTheValidationDocuments(bool forAccuracy)
    {
        var documents = Toys.Documents(90);
        for (int i = 0; i < documents.Count; i += 4)
            documents[i].Text = Toys.Filler(new Random(i), 12);
        var data = Toys.Keyed(_mlContext, documents);
        var rule = forAccuracy ? Abstention.ForAccuracy(0.9) : Abstention.ForCoverage(0.6);
        using var model = Toys.Trainer(_mlContext, o => (o.Abstention, o.ValidationSet) = (rule, data), epochs: 4).Fit(data);
        var scored = model.Transform(data);
        var curve = _mlContext.MulticlassClassification.MahaCoverageCurve(scored);
        var expected = forAccuracy ? curve.ForAccuracy(0.9)!.Value : curve.ForCoverage(0.6);
        Assert.Equal(expected.Threshold, model.AbstentionThreshold!.Value, 1e-5);
        Assert.InRange(expected.Coverage, 0.1, 0.999);
        var rows = _mlContext.Data.CreateEnumerable<Answer>(scored, reuseRowObject: false).ToList();
        Assert.Equal(expected.Coverage, rows.Count(row => !row.Abstained) / 90.0, 1e-9);
        if (forAccuracy)
            Assert.True(expected.Accuracy >= 0.9);
    }

    [Fact]
    public void AnAccuracyThatNoThresholdHas_WarnsAndTakesTheHighest()
    {
        var warnings = Warnings.Of(_mlContext);
        var documents = Toys.Documents(60);
        for (int i = 0; i < documents.Count; i++)
            documents[i].Text = "the same words";
        var data = Toys.Keyed(_mlContext, documents);
        using var model = Toys.Trainer(_mlContext, o => (o.Abstention, o.ValidationFraction) = (Abstention.ForAccuracy(0.99), 0.3)).Fit(data);
        Assert.Contains(warnings, warning => warning.Contains("must be as accurate as Abstention ForAccuracy(0.99) asks for", StringComparison.Ordinal));
        Assert.Equal(0, model.AbstentionThreshold); // all documents are alike: one point
    }

    [Fact]
    public void TheThreshold_IsSaved_AndAFileWithoutOne_AlwaysAnswers()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12));
        using var model = Toys.BinaryTrainer(_mlContext, o => (o.Abstention, o.AbstainedColumnName) = (Abstention.Below(0.6), "Unsure")).Fit(data);
        var zip = new ModelZip(ModelZip.Save(_mlContext, model, data.Schema));
        using var loaded = (MahaBinaryTextClassificationTransformer)ModelZip.Load(zip.ToArray());
        Assert.Equal(0.6, loaded.AbstentionThreshold);
        Assert.NotNull(loaded.GetOutputSchema(data.Schema).GetColumnOrNull("Unsure"));
        var json = System.Text.Json.Nodes.JsonNode.Parse(zip["Classifier.json"])!.AsObject();
        json["FormatVersion"] = 4;
        Assert.True(json.Remove("AbstentionThreshold") && json["Columns"]!.AsObject().Remove("Abstained"));
        zip["Classifier.json"] = System.Text.Encoding.UTF8.GetBytes(json.ToJsonString());
        zip.Sign();
        using var old = (MahaBinaryTextClassificationTransformer)ModelZip.Load(zip.ToArray());
        Assert.Null(old.AbstentionThreshold);
        Assert.Equal(["Score", "Probability", "PredictedLabel"], old.GetOutputSchema(data.Schema).Skip(data.Schema.Count).Select(column => column.Name));
    }

    [Fact]
    public void ACopyWithAnotherThreshold_PredictsTheSame()
    {
        var expected = Rows.Of(fitted.Binary.Transform(fitted.Verdicts));
        using var copy = fitted.Binary.WithAbstentionThreshold(0.9);
        using var back = copy.WithAbstentionThreshold(null);
        Assert.Equal((null, 0.9, null), (fitted.Binary.AbstentionThreshold, copy.AbstentionThreshold, back.AbstentionThreshold));
        Assert.Equal(expected, Rows.Of(back.Transform(fitted.Verdicts)));
        var rows = _mlContext.Data.CreateEnumerable<Verdicts>(copy.Transform(fitted.Verdicts), reuseRowObject: false).ToList();
        Assert.All(rows, row => Assert.Equal(Math.Max(row.Probability, 1 - row.Probability) < 0.9, row.Abstained));
        copy.Dispose();
        Assert.Equal(expected, Rows.Of(fitted.Binary.Transform(fitted.Verdicts)));
        Assert.Contains("threshold must lie in (0, 1], but is 0",
            Assert.Throws<ArgumentOutOfRangeException>(() => fitted.Binary.WithAbstentionThreshold(0)).Message);
    }

    [Fact]
    public void RulesAndTargetsOutOfRange_AreRefused()
    {
        Assert.Contains("probability must lie in (0, 1], but is 0.", Assert.Throws<ArgumentOutOfRangeException>(() => Abstention.Below(0)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Abstention.ForAccuracy(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Abstention.ForCoverage(double.NaN));
        Assert.Equal("ForAccuracy(0.95)", Abstention.ForAccuracy(0.95).ToString());
        Assert.Contains("Abstention must be Below a stated probability where nothing validates, but is ForCoverage(0.9).", Assert.Throws<ArgumentException>(
            () => Toys.BinaryTrainer(_mlContext, o => o.Abstention = Abstention.ForCoverage(0.9))).Message);
        Assert.Contains("PredictedLabelColumnName and AbstainedColumnName are 'PredictedLabel'", Assert.Throws<ArgumentException>(() =>
            Toys.BinaryTrainer(_mlContext, o => (o.Abstention, o.AbstainedColumnName) = (Abstention.Below(0.9), "PredictedLabel"))).Message);
        var curve = CoverageCurve.Create([0.5], [true]);
        Assert.Throws<ArgumentOutOfRangeException>(() => curve.ForAccuracy(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => curve.ForCoverage(2));
        Assert.Throws<ArgumentException>(() => CoverageCurve.Create([], []));
        Assert.Throws<ArgumentException>(() => CoverageCurve.Create([0.5], [true, false]));
        Assert.Throws<ArgumentOutOfRangeException>(() => CoverageCurve.Create([double.NaN], [true]));
        Assert.Throws<ArgumentOutOfRangeException>(() => CoverageCurve.Create([0.5], [true], [0]));
    }

    [Fact]
    public void TheCurve_HasThePointOfEveryThreshold()
    {
        var random = new Random(2);
        for (int round = 0; round < 100; round++)
        {
            int count = 1 + random.Next(15);
            double[] probabilities = [.. Enumerable.Range(0, count).Select(_ => 0.1 * random.Next(11))];
            bool[] correct = [.. Enumerable.Range(0, count).Select(_ => random.Next(2) == 0)];
            float[] weights = [.. Enumerable.Range(0, count).Select(_ => 1f + random.Next(3))];
            var curve = CoverageCurve.Create(probabilities, correct, weights);
            Assert.Equal(probabilities.Distinct().Count(), curve.Points.Count);
            Assert.Equal(1, curve.Points[0].Coverage, 1e-12);
            Assert.Equal(curve.Points.OrderBy(point => point.Threshold), curve.Points);
            foreach (var point in curve.Points)
            {
                int[] answered = [.. Enumerable.Range(0, count).Where(i => probabilities[i] >= point.Threshold)];
                double weight = answered.Sum(i => (double)weights[i]);
                Assert.Equal(weight / weights.Sum(one => (double)one), point.Coverage, 1e-12);
                Assert.Equal(answered.Where(i => correct[i]).Sum(i => (double)weights[i]) / weight, point.Accuracy, 1e-12);
            }
            double target = 0.05 + (0.95 * random.NextDouble());
            var ofAccuracy = curve.Points.Where(point => point.Accuracy >= target).ToList();
            Assert.Equal(ofAccuracy.Count == 0 ? null : ofAccuracy.MaxBy(point => point.Coverage), curve.ForAccuracy(target));
            Assert.Equal(curve.Points.Where(point => point.Coverage >= target).MaxBy(point => point.Threshold), curve.ForCoverage(target));
            // Where no point has the accuracy, the highest one is chosen, and of its points that which answers most.
            double highest = curve.Points.Max(point => point.Accuracy);
            var expected = ofAccuracy.Count > 0 ? ofAccuracy : [.. curve.Points.Where(point => point.Accuracy == highest)];
            var chosen = Abstention.ForAccuracy(target).Choose(curve);
            Assert.Equal((expected.MaxBy(point => point.Coverage), ofAccuracy.Count > 0), (chosen.Point!.Value, chosen.IsReached));
        }
    }

    [Fact]
    public void ADocumentAtTheThreshold_IsAnswered()
    {
        var manifest = fitted.Binary.Classifier.Manifest with { Temperature = 1, Threshold = 0.5, AbstentionThreshold = 0.5 };
        Assert.Equal(0.5, manifest.Predict([2, 2]).Probability);
        Assert.False(manifest.Abstains([2, 2]));
        Assert.True((manifest with { AbstentionThreshold = Math.BitIncrement(0.5) }).Abstains([2, 2]));
        Assert.False((manifest with { AbstentionThreshold = null }).Abstains([2, 2]));
    }

    [Fact]
    public void TheCurveOfABinaryModel_IsThatOfItsPredictions()
    {
        var scored = fitted.Binary.Transform(fitted.Verdicts);
        var rows = _mlContext.Data.CreateEnumerable<BinaryPrediction>(scored, reuseRowObject: false).ToList();
        var truth = _mlContext.Data.CreateEnumerable<Verdict>(fitted.Verdicts, reuseRowObject: false).ToList();
        var expected = CoverageCurve.Create(
            [.. rows.Select(row => row.PredictedLabel ? row.Probability : 1 - (double)row.Probability)],
            [.. rows.Zip(truth).Select(pair => pair.First.PredictedLabel == pair.Second.Label)]);
        Assert.Equal(expected.Points, _mlContext.BinaryClassification.MahaCoverageCurve(scored).Points);
        // The weights are the numbers of the rows: the first row has none and does not count.
        var weighted = CoverageCurve.Create(
            [.. rows.Skip(1).Select(row => row.PredictedLabel ? row.Probability : 1 - (double)row.Probability)],
            [.. rows.Zip(truth).Skip(1).Select(pair => pair.First.PredictedLabel == pair.Second.Label)], [.. truth.Skip(1).Select(row => row.Weight)]);
        Assert.Equal(weighted.Points, _mlContext.BinaryClassification.MahaCoverageCurve(scored, exampleWeightColumnName: "Weight").Points);
    }

    private sealed class Answer
    {
        public float[]? Score { get; set; }

        public bool Abstained { get; set; }
    }

    private sealed class Verdicts
    {
        public float Probability { get; set; }

        public bool PredictedLabel { get; set; }

        public bool Abstained { get; set; }
    }
}
