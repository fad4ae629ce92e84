using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Classification;

[Collection(FittedCollection.Name)]
public class LabelTests(FittedModels fitted)
{
    private sealed class Labeled<T>
    {
        public T Label { get; set; } = default!;

        public string Text { get; set; } = "";
    }

    private sealed class Named<T>
    {
        public T PredictedLabelName { get; set; } = default!;
    }

    [Fact]
    public void IntegerLabels_RoundTrip() => LabelsComeBack(7, -3, int.MaxValue);

    [Fact]
    public void FloatLabels_RoundTrip() => LabelsComeBack(0.1f, -1e30f, 3f);

    [Fact]
    public void DoubleLabels_RoundTrip() => LabelsComeBack(0.1, 1d / 3, -2);

    [Fact]
    public void DateLabels_RoundTrip() => LabelsComeBack(new DateTime(2026, 1, 2), new DateTime(2027, 1, 2, 3, 4, 5).AddTicks(1));

    [Fact]
    public void DateOffsetLabels_RoundTrip() =>
        LabelsComeBack(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.FromHours(2)), new DateTimeOffset(2026, 1, 3, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void TimeLabels_RoundTrip() => LabelsComeBack(TimeSpan.FromMinutes(90), TimeSpan.FromTicks(-3));

    [Fact]
    public void BooleanLabels_RoundTrip() => LabelsComeBack(true, false);

    [Fact]
    public void SmallIntegerLabels_RoundTrip() => LabelsComeBack<byte>(0, 255, 7);

    [Fact]
    public void TextLabels_RoundTrip() => LabelsComeBack("one", "two words, \"quoted\"\t\n", "\u00e4\ud83d\ude00");

    private static void LabelsComeBack<T>(params T[] labels) where T : notnull
    {
        var mlContext = new MLContext(1);
        var random = new Random(1);
        var rows = Enumerable.Range(0, 30)
            .Select(i => new Labeled<T> { Label = labels[i % labels.Length], Text = Toys.Text(random, i % labels.Length) }).ToList();
        var data = mlContext.Data.LoadFromEnumerable(rows);
        using var model = mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(Toys.Trainer(mlContext, epochs: 25))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabelName", "PredictedLabel"))
            .Fit(data);
        var predicted = Names(model);
        Assert.Equal(rows.Select(row => row.Label), predicted);
        var loaded = EstimatorContract.SaveAndLoad(mlContext, model, data.Schema);
        Assert.Equal(predicted, Names(loaded));
        foreach (string column in new[] { "Score", "PredictedLabel" })
            Assert.Equal(Annotations(model, column), Annotations(loaded, column));
        ((IDisposable)loaded).Dispose();

        List<T> Names(ITransformer transformer)
            => [.. mlContext.Data.CreateEnumerable<Named<T>>(transformer.Transform(data), reuseRowObject: false).Select(row => row.PredictedLabelName)];

        List<string> Annotations(ITransformer transformer, string column)
            => [.. transformer.GetOutputSchema(data.Schema)[column].Annotations.Schema.Select(annotation => $"{annotation.Name} {annotation.Type}").Order()];
    }

    [Fact]
    public void ALabelNeverSeen_IsMissing_AndNotEvaluated()
    {
        var mlContext = fitted.MLContext;
        var documents = Toys.Documents(12, seed: 5);
        documents[0].Label = "never seen";
        var scored = fitted.Chain.Transform(mlContext.Data.LoadFromEnumerable(documents));
        Assert.Equal(0u, scored.GetColumn<uint>("Label").First());
        Assert.Equal(12, Rows.Of(scored).Count);
        var metrics = mlContext.MulticlassClassification.Evaluate(scored);
        Assert.Equal(11, metrics.ConfusionMatrix.Counts.Sum(row => row.Sum()));
    }

    [Fact]
    public void RowsWithoutLabel_AreLeftOut_WithAWarning()
    {
        var mlContext = new MLContext(1);
        var documents = Toys.Documents(24);
        var warnings = Warnings.Of(mlContext);
        using var complete = Toys.Trainer(mlContext).Fit(Toys.Keyed(mlContext, documents));
        Assert.Empty(warnings);

        var more =
            documents.SelectMany((document, i) => i is 3 or 20 ? [new Document { Label = null, Text = "noise noise" }, document] : new[] { document }).ToList();
        var keyed = Toys.Keyed(mlContext, more);
        using var rest = Toys.Trainer(mlContext, options => options.ValidationSet = keyed).Fit(keyed);
        Assert.Equal(["2 training documents have no label, or one that the key column doesn't know, and were left out.",
            "2 validation documents have no label, or one that the key column doesn't know, and were left out."], warnings);

        using var without = Toys.Trainer(mlContext).Fit(keyed);
        Assert.Equal(Rows.Of(complete.Transform(keyed)), Rows.Of(without.Transform(keyed)));
    }

    [Fact]
    public void NoLabelAtAll_Throws()
    {
        var mlContext = new MLContext(1);
        var map = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(fitted.Training);
        var data =
            map.Transform(mlContext.Data.LoadFromEnumerable(Toys.Documents(5).Select(document => new Document { Label = "other", Text = document.Text })));
        var e = Assert.Throws<InvalidOperationException>(() => Toys.Trainer(mlContext).Fit(data));
        Assert.Equal(
            "The training data must have at least one document with a label, but of 5 rows none has one. Look at columns 'Label' and 'Text'.", e.Message);
        e = Assert.Throws<InvalidOperationException>(() => Toys.Trainer(mlContext,
            options => options.ValidationSet = data).Fit(map.Transform(fitted.Training)));
        Assert.StartsWith("The validation data must have at least one document with a label", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoRows_Throw()
    {
        var mlContext = new MLContext(1);
        var map = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(fitted.Training);
        var e = Assert.Throws<InvalidOperationException>(() => Toys.Trainer(mlContext)
            .Fit(map.Transform(mlContext.Data.LoadFromEnumerable(Array.Empty<Document>()))));
        Assert.StartsWith("The training data must have at least one document with a label", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneClassOnly_Throws()
    {
        var mlContext = new MLContext(1);
        var e = Assert.Throws<InvalidOperationException>(() => Toys.Trainer(mlContext)
            .Fit(Toys.Keyed(mlContext, Toys.Documents(9).Where(document => document.Label == "tools"))));
        Assert.Equal(
            "The training data must have documents of at least two classes, but all 3 are of class 'tools'. "
                + "Add documents of other classes, or look at the label column.",
            e.Message);
    }

    [Fact]
    public void ClassesWithoutDocuments_KeepTheirScores()
    {
        var mlContext = new MLContext(1);
        var map = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(fitted.Training);
        var data = map.Transform(mlContext.Data.LoadFromEnumerable(Toys.Documents(12).Where(document => document.Label != "tools")));
        using var model = Toys.Trainer(mlContext).Fit(data);
        Assert.Equal(Toys.Labels, model.Labels);
        Assert.All(mlContext.Data.CreateEnumerable<Prediction>(model.Transform(data), reuseRowObject: false, ignoreMissingColumns: true),
            row => Assert.Equal(3, row.Score!.Length));
    }

    [Fact]
    public void ValidationSetWithOtherLabels_Throws()
    {
        var mlContext = new MLContext(1);
        var other = Toys.Keyed(mlContext, Toys.Documents(9).Select(document => new Document { Label = document.Label + "!", Text = document.Text }));
        var e = Assert.Throws<ArgumentException>(() => Toys.Trainer(mlContext,
            options => options.ValidationSet = other).Fit(Toys.Keyed(mlContext, Toys.Documents(9))));
        Assert.Contains(
            "The validation set must have the labels of the training data (animals, tools, weather), but has animals!, tools!, weather!. "
                + "Map both with one fitted MapValueToKey.",
            e.Message,
            StringComparison.Ordinal);
        // The same names in another order are other keys.
        var reversed = Toys.Keyed(mlContext, Toys.Documents(9).AsEnumerable().Reverse());
        Assert.Throws<ArgumentException>(() => Toys.Trainer(mlContext,
            options => options.ValidationSet = reversed).Fit(Toys.Keyed(mlContext, Toys.Documents(9))));
    }

    [Fact]
    public void ValidationSet_WithAWrongColumn_Throws()
    {
        var mlContext = new MLContext(1);
        var verdicts = mlContext.Data.LoadFromEnumerable(Toys.Verdicts(9));
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => Toys.Trainer(mlContext,
            options => options.ValidationSet = verdicts).Fit(Toys.Keyed(mlContext, Toys.Documents(9))));
        Assert.Equal("ValidationSet", e.ParamName);
    }

    [Fact]
    public void ValidationDocuments_DecideWhichWeightsAreKept()
    {
        var mlContext = new MLContext(1);
        var lines = new List<string>();
        mlContext.Log += (_, e) => lines.Add(e.RawMessage);
        var train = Toys.Keyed(mlContext, Toys.Documents(30));
        using var model = Toys.Trainer(mlContext, options => options.ValidationSet = train, epochs: 3).Fit(train);
        Assert.Equal(3, lines.Count(line => line.StartsWith("Epoch ", StringComparison.Ordinal)));
        Assert.Contains(lines, line => line.StartsWith("Training ended: Completed", StringComparison.Ordinal)
            && line.Contains("on 30 documents; best epoch", StringComparison.Ordinal));
    }
}
