using System.Globalization;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.MultiLabel;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Catalog;

[Collection(FittedCollection.Name)]
public sealed class MahaEvaluationTests(FittedModels fitted)
{
    private readonly MLContext _mlContext = new(1);

    private MahaTextClassificationTransformer Multiclass => fitted.Chain.OfType<MahaTextClassificationTransformer>().Single();

    public static TheoryData<string, float> WrongWeights
    {
        get
        {
            var cases = new TheoryData<string, float>();
            foreach (string kind in new[] { "multi-label", "multiclass", "binary" })
            {
                foreach (float weight in new[] { -1, float.NaN, float.PositiveInfinity, float.NegativeInfinity })
                    cases.Add(kind, weight);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(WrongWeights))]
    public void AWeightThatIsNone_IsRefused(string kind, float weight)
    {
        var data = _mlContext.Data.LoadFromEnumerable(new[] { new Evaluated { Weight = 1 }, new Evaluated { Weight = weight } });
        var refusal = Assert.Throws<ArgumentException>(() => Evaluate(kind, data));
        string shown = weight.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(
            $"The weights in column 'Weight' must be finite and at least 0, but row 1 (from 0) has {shown}. Correct it, or use 0 to leave the row out.",
            refusal.Message);
    }

    [Theory]
    [InlineData("multi-label")]
    [InlineData("multiclass")]
    [InlineData("binary")]
    public void RowsOfWeightZero_DoNotCount(string kind) =>
        Assert.Equal(1, Evaluate(kind, _mlContext.Data.LoadFromEnumerable(new[] { new Evaluated { Weight = 2 }, new Evaluated { Weight = 0 } })));

    [Fact]
    public void APredictedLabelThatIsMissing_DoesNotCount()
    {
        Evaluated[] rows = [new() { PredictedLabels = [1] }, new() { Labels = [2], PredictedLabels = [] }];
        var expected = _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(_mlContext.Data.LoadFromEnumerable(rows), "Labels");
        rows[0].PredictedLabels = [0, 1];
        rows[1].PredictedLabels = [0];
        var metrics = _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(_mlContext.Data.LoadFromEnumerable(rows), "Labels");
        Assert.Equal((expected.MicroF1, expected.SubsetAccuracy, expected.HammingLoss), (metrics.MicroF1, metrics.SubsetAccuracy, metrics.HammingLoss));
        Assert.Equal(expected.PerLabel, metrics.PerLabel);
    }

    [Fact]
    public void KeysOfOtherLabels_AreRefused()
    {
        // The first label that occurs has the key 1.
        var other = Multiclass.Transform(Toys.Keyed(_mlContext, Toys.Documents(31).Skip(1)));
        var refusal = Assert.Throws<ArgumentException>(() => _mlContext.MulticlassClassification.MahaCoverageCurve(other));
        Assert.StartsWith(
            "The data must have the labels of the model (animals, tools, weather), but have tools, weather, animals. Map both with one fitted MapValueToKey.",
            refusal.Message);
        var labels = LabelToys.Rows(12);
        using var model = LabelToys.Trainer(_mlContext).Fit(LabelToys.Keyed(_mlContext, labels));
        var data = _mlContext.Data.LoadFromEnumerable(labels.Skip(2));
        var keyed = _mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        Assert.StartsWith(
            "The data must have the labels of the model (animals, tools, weather), but have tools,",
            Assert.Throws<ArgumentException>(() => _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(model.Transform(keyed))).Message);
    }

    [Fact]
    public void KeysOfTheSameLabels_AndKeysWithoutValues_AreTaken()
    {
        var same = Multiclass.Transform(Toys.Keyed(_mlContext, Toys.Documents(30)));
        Assert.NotEmpty(_mlContext.MulticlassClassification.MahaCoverageCurve(same).Points);
        var rows = Toys.Documents(30).Select((document, i) => new Numbered { Key = (uint)(i % 3), Text = document.Text });
        var numbered = Multiclass.Transform(_mlContext.Data.LoadFromEnumerable(rows));
        Assert.Equal(
            _mlContext.MulticlassClassification.MahaCoverageCurve(same).Points,
            _mlContext.MulticlassClassification.MahaCoverageCurve(numbered, labelColumnName: "Key").Points);
    }

    // Returns the number that must not depend on rows without weight.
    private double Evaluate(string kind, IDataView data) => kind switch
    {
        "multi-label" => _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(data, "Labels", exampleWeightColumnName: "Weight").MicroF1,
        "multiclass" => _mlContext.MulticlassClassification.MahaCoverageCurve(data, "Key", "Probability", "Weight").Points[0].Accuracy,
        _ => _mlContext.BinaryClassification.MahaCoverageCurve(data, "Truth", "OfTrue", "Truth", "Weight").Points[0].Accuracy,
    };

    private sealed class Evaluated
    {
        [KeyType(3)]
        public uint[] Labels { get; set; } = [1];

        [KeyType(3)]
        public uint[] PredictedLabels { get; set; } = [1];

        [VectorType(3)]
        public float[] Probability { get; set; } = [0.9f, 0.1f, 0.2f];

        // ML.NET adds 1 to a single key that it reads, and not to those of a vector.
        [KeyType(3)]
        public uint Key { get; set; }

        public bool Truth { get; set; } = true;

        public float OfTrue { get; set; } = 0.8f;

        public float Weight { get; set; } = 1;
    }

    private sealed class Numbered
    {
        [KeyType(3)]
        public uint Key { get; set; }

        public string? Text { get; set; }
    }
}
