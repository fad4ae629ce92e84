using Maha.Layers.Data;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Classification;

/// <summary>Weights of rows and of classes.</summary>
public sealed class ExampleWeightTests : IDisposable
{
    private readonly MLContext _mlContext = new(1);
    private readonly Lazy<string> _pretrained = new(SmallBert.WriteFolder);

    public static TheoryData<string> Forms => ["network", "n-grams", "many classes", "windows", "validation set"];

    public void Dispose()
    {
        if (_pretrained.IsValueCreated)
            Directory.Delete(_pretrained.Value, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void EqualWeights_GiveTheModelWithoutWeights(string form)
        => Assert.Equal(Scores(form, null, withColumn: false), Scores(form, _ => 2.5f));

    [Theory]
    [MemberData(nameof(Forms))]
    public void RowsOfWeightZero_AreLeftOut(string form)
    {
        Assert.Equal(Scores(form, null, keep: row => row % 7 != 3), Scores(form, row => row % 7 == 3 ? 0 : 1));
        Assert.NotEqual(Scores(form, null), Scores(form, row => row % 7 == 3 ? 0 : 1));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void ACommonFactorOfAllWeights_ChangesNothing(string form)
    {
        var expected = Scores(form, row => 1 + (row % 3));
        Assert.Equal(expected, Scores(form, row => 3 * (1 + (row % 3))));
        Assert.NotEqual(Scores(form, null), expected);
    }

    // A network that is trained on rows in another order has other weights, so that it and one that is trained on the rows twice agree on average only.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AClassOfWeightThree_IsPredictedAsOftenAsThreeTimesItsRows(bool ngrams)
    {
        // The words say nothing, so that the prediction is the share of the class.
        var random = new Random(5);
        List<Verdict> rows = [.. Enumerable.Range(0, 120).Select(i => new Verdict { Label = i % 4 == 0, Text = Toys.Filler(random, 12) })];
        double Share(IEnumerable<(Verdict Row, float Weight)> weighted)
        {
            var data = _mlContext.Data.LoadFromEnumerable(weighted.Select(
                pair => new Verdict { Label = pair.Row.Label, Text = pair.Row.Text, Weight = pair.Weight }));
            using var model = Toys.BinaryTrainer(
                _mlContext, o => (o.NGrams, o.ExampleWeightColumnName, o.ValidationFraction, o.LearningRate) = (ngrams, "Weight", 0.25, 0.005), epochs: 8).Fit(data);
            return _mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(data), reuseRowObject: false).Take(120).Average(row => row.Probability);
        }
        double once = Share(rows.Select(row => (row, 1f)));
        double weighted = Share(rows.Select(row => (row, row.Label ? 3f : 1f)));
        double thrice = Share(rows.Concat(rows.Where(row => row.Label)).Concat(rows.Where(row => row.Label)).Select(row => (row, 1f)));
        Assert.InRange(once, 0.15, 0.35);
        Assert.InRange(weighted, 0.4, 0.6);
        Assert.InRange(thrice, 0.4, 0.6);
    }

    [Fact]
    public void ClassWeights_MoveThePredictions_AndTheirCommonFactorDoesNot()
    {
        var random = new Random(6);
        List<Verdict> rows = [.. Enumerable.Range(0, 120).Select(i => new Verdict { Label = i % 4 == 0, Text = Toys.Filler(random, 12) })];
        var data = _mlContext.Data.LoadFromEnumerable(rows);
        double[] Probabilities(Action<MahaBinaryTextClassificationTrainer.Options> change)
        {
            using var model = Toys.BinaryTrainer(_mlContext, o =>
            {
                (o.NGrams, o.LearningRate) = (true, 0.005);
                change(o);
            }, epochs: 8).Fit(data);
            return [.. _mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(data), false).Select(row => (double)row.Probability)];
        }
        double[] plain = Probabilities(_ => { });
        double[] weighted = Probabilities(o => o.ClassWeights = new Dictionary<string, double> { ["True"] = 3 });
        double[] balanced = Probabilities(o => o.ClassWeighting = ClassWeighting.Balanced);
        Assert.InRange(plain.Average(), 0.15, 0.35);
        Assert.InRange(weighted.Average(), 0.4, 0.6);
        // 30 of 120 documents are true: three times their weight is the balance.
        Assert.All(weighted.Zip(balanced), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Assert.Equal(weighted, Probabilities(o => o.ClassWeights = new Dictionary<string, double> { ["True"] = 12, ["False"] = 4 }));
        Assert.Equal(plain, Probabilities(o => o.ClassWeights = new Dictionary<string, double> { ["True"] = 2, ["False"] = 2 }));
        // Beyond the range of float32, in which the loss is computed; a factor that is no power of 2 is rounded.
        foreach (double factor in new[] { 1e-50, 1e50, double.Epsilon * 1e10, double.MaxValue })
        {
            double[] scaled = Probabilities(o => o.ClassWeights = new Dictionary<string, double> { ["True"] = factor, ["False"] = factor });
            Assert.All(plain.Zip(scaled), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        }
        foreach (int exponent in new[] { -300, 300 })
        {
            double factor = Math.ScaleB(1, exponent);
            Assert.Equal(weighted, Probabilities(o => o.ClassWeights = new Dictionary<string, double> { ["True"] = 3 * factor, ["False"] = factor }));
        }
    }

    [Theory]
    [InlineData(float.NaN, "row 4 (from 0) has NaN")]
    [InlineData(-1f, "row 4 (from 0) has -1")]
    [InlineData(float.PositiveInfinity, "row 4 (from 0) has Infinity")]
    public void AWeightThatIsNoWeight_IsRefused(float weight, string message)
    {
        var rows = Toys.Verdicts(12);
        rows.ForEach(row => row.Weight = 1);
        rows[4].Weight = weight;
        var e = Assert.Throws<ArgumentException>(() => Weighted().Fit(_mlContext.Data.LoadFromEnumerable(rows)));
        Assert.Equal(
            $"The weights in column 'Weight' must be finite and at least 0, but {message}. Correct it, or use 0 to leave the row out.", e.Message);
    }

    [Fact]
    public void WeightsThatAreAllZero_AreRefused()
    {
        var rows = Toys.Verdicts(12);
        rows.ForEach(row => row.Weight = 0);
        var e = Assert.Throws<ArgumentException>(() => Weighted().Fit(_mlContext.Data.LoadFromEnumerable(rows)));
        Assert.Contains("The weights in column 'Weight' must not all be 0, but all 12 training rows with a label have the weight 0.", e.Message);
    }

    [Fact]
    public void AColumnThatIsMissingOrOfAnotherType_IsRefused()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12));
        var missing = Toys.BinaryTrainer(_mlContext, o => o.ExampleWeightColumnName = "Importance");
        Assert.Contains("There must be a column 'Importance'", Assert.Throws<ArgumentOutOfRangeException>(() => missing.Fit(data)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => missing.GetOutputSchema(EstimatorContract.Shape(data.Schema)));
        var text = Toys.BinaryTrainer(_mlContext, o => o.ExampleWeightColumnName = "Text");
        Assert.Contains("Column 'Text' must be Single, but is String", Assert.Throws<ArgumentOutOfRangeException>(() => text.Fit(data)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => text.GetOutputSchema(EstimatorContract.Shape(data.Schema)));
    }

    [Fact]
    public void ClassWeightsThatAreNotValid_AreRefused()
    {
        Action<MahaBinaryTextClassificationTrainer.Options> With(string label, double weight) =>
            o => o.ClassWeights = new Dictionary<string, double> { [label] = weight };
        Assert.Contains("ClassWeights must be finite and above 0, but 'True' has 0. Leave out the rows of a class that must not count.",
            Assert.Throws<ArgumentOutOfRangeException>(() => Toys.BinaryTrainer(_mlContext, With("True", 0))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Toys.BinaryTrainer(_mlContext, With("True", double.NaN)));
        Assert.Contains("ClassWeights must be null with ClassWeighting Balanced", Assert.Throws<ArgumentException>(() => Toys.BinaryTrainer(_mlContext, o =>
        {
            With("True", 2)(o);
            o.ClassWeighting = ClassWeighting.Balanced;
        })).Message);
        var trainer = Toys.BinaryTrainer(_mlContext, With("yes", 2));
        var e = Assert.Throws<ArgumentException>(() => trainer.Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12))));
        Assert.Contains("ClassWeights must have labels of the data (False, True), but has 'yes'.", e.Message);
        foreach (double weight in new[] { 1e-31, 1e31 })
        {
            // The other label has the weight 1.
            var far = Toys.BinaryTrainer(_mlContext, With("True", weight));
            var refusal = Assert.Throws<ArgumentOutOfRangeException>(() => far.Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12))));
            Assert.Contains("ClassWeights must differ by a factor of at most 1E+30", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ClassWeights_AreCopied()
    {
        var weights = new Dictionary<string, double> { ["True"] = 2 };
        var options = new MahaBinaryTextClassificationTrainer.Options { ClassWeights = weights };
        weights["True"] = -1;
        Assert.Equal(2, options.ClassWeights!["True"]);
    }

    private MahaBinaryTextClassificationTrainer Weighted() => Toys.BinaryTrainer(_mlContext, o => o.ExampleWeightColumnName = "Weight");

    // The scores of a few texts under a model of a form.
    private List<string> Scores(string form, Func<int, float>? weightOf, bool withColumn = true, Func<int, bool>? keep = null)
    {
        bool many = form == "many classes";
        var rows = many ? ManyClasses() : Toys.Documents(60);
        for (int i = 0; i < rows.Count; i++)
            rows[i].Weight = weightOf?.Invoke(i) ?? 1;
        var test = Toys.Keyed(_mlContext, many ? ManyClasses() : Toys.Documents(9, seed: 4));
        var keyed = _mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(_mlContext.Data.LoadFromEnumerable(rows));
        var data = keyed.Transform(_mlContext.Data.LoadFromEnumerable(rows.Where((_, i) => keep?.Invoke(i) != false)));
        using var model = Toys.Trainer(_mlContext, o =>
        {
            (o.NGrams, o.ValidationFraction) = (form is "n-grams" or "many classes", 0.2);
            o.ExampleWeightColumnName = withColumn ? "Weight" : null;
            if (form == "windows")
            {
                // Left out, so that the options of the architecture have their defaults.
                (o.VocabSize, o.DModel, o.NumLayers, o.FeedForwardDim) = (8192, 128, 2, null);
                o.PretrainedModel = _pretrained.Value;
            }
            if (form == "validation set")
                o.ValidationSet = data;
        }, epochs: 2).Fit(data);
        return Rows.Of(model.Transform(test), [model.GetOutputSchema(test.Schema)["Score"]]);
    }

    // More classes than an n-gram has weights for.
    private static List<Document> ManyClasses()
    {
        var random = new Random(8);
        return [.. Enumerable.Range(0, 160).Select(i => new Document { Label = $"class {i % 40}", Text = $"word{i % 40} {Toys.Filler(random, 6)}" })];
    }
}
