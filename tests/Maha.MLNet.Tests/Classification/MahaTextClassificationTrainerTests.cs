using Maha.MLNet.Classification;
using Maha.MLNet.MultiLabel;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Classification;

[Collection(FittedCollection.Name)]
public class MahaTextClassificationTrainerTests(FittedModels fitted)
{
    private sealed class NoText
    {
        public string Label { get; set; } = "a";
    }

    private sealed class NumberText
    {
        public string Label { get; set; } = "a";

        public float Text { get; set; }
    }

    private sealed class ManyKeys
    {
        [KeyType(3_000_000_000)]
        public uint Label { get; set; } = 1;

        public string Text { get; set; } = "word";
    }

    private sealed class PlainKeys
    {
        [KeyType(2)]
        public uint Label { get; set; }

        public string Text { get; set; } = "";
    }

    [Fact]
    public void Trainer_KeepsTheContract()
    {
        var mlContext = new MLContext(1);
        var noText = mlContext.Data.LoadFromEnumerable([new NoText()]);
        var numberText = mlContext.Data.LoadFromEnumerable([new NumberText()]);
        var toKey = mlContext.Transforms.Conversion.MapValueToKey("Label");
        EstimatorContract.Check(mlContext, Toys.Trainer(mlContext), Toys.Keyed(mlContext, Toys.Documents(12)),
            (toKey.Fit(noText).Transform(noText), "There must be a column 'Text', but the columns are: Label"),
            (toKey.Fit(numberText).Transform(numberText), "Column 'Text' must be Text, but is Single"),
            (mlContext.Data.LoadFromEnumerable(Toys.Documents(3)),
                "Label column 'Label' must be Key<UInt32> with a known number of values, but is String. Append Conversion.MapValueToKey(\"Label\")"),
            (mlContext.Data.LoadFromEnumerable(Toys.Verdicts(3)), "Label column 'Label' must be Key<UInt32>"));
    }

    [Fact]
    public void MoreClassesThanAModelCanHave_Throw_BeforeMemoryIsTaken()
    {
        var mlContext = new MLContext(1);
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => Toys.Trainer(mlContext).Fit(mlContext.Data.LoadFromEnumerable([new ManyKeys()])));
        Assert.Contains("must have at most 1048576 values, but its keys have 3000000000", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeysWithoutValues_AreNamedByTheirNumbers()
    {
        var mlContext = new MLContext(1);
        var rows = Toys.Verdicts(20).Select(row => new PlainKeys { Label = row.Label ? 1u : 0u, Text = row.Text! });
        using var model = Toys.Trainer(mlContext).Fit(mlContext.Data.LoadFromEnumerable(rows));
        Assert.Equal(["0", "1"], model.Labels);
    }

    [Fact]
    public void OutputColumns_HaveTheAnnotationsOfMLNetsOwnTrainers()
    {
        var mlContext = fitted.MLContext;
        var data = Toys.Keyed(mlContext, Toys.Documents(12));
        using var ours = Toys.Trainer(mlContext).Fit(data);
        var features = mlContext.Transforms.Text.FeaturizeText("Features", "Text").Fit(data).Transform(data);
        var theirs = mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(features).GetOutputSchema(features.Schema);
        var schema = ours.GetOutputSchema(data.Schema);
        foreach (string name in new[] { "Score", "PredictedLabel" })
        {
            Assert.Equal(theirs[name].Type.ToString(), schema[name].Type.ToString());
            Assert.Equal(Rows.Annotations(theirs[name]), Rows.Annotations(schema[name]));
        }
        Assert.Contains(Rows.Annotations(schema["Score"]), annotation => annotation.StartsWith("SlotNames", StringComparison.Ordinal)
            && annotation.EndsWith("animals|tools|weather", StringComparison.Ordinal));
    }

    [Fact]
    public void SecondScorer_GetsTheNextScoreColumnSetId()
    {
        var once = fitted.Chain.Transform(fitted.Training);
        using var other = Toys.BinaryTrainer(fitted.MLContext, options => options.ScoreColumnName = "Second").Fit(fitted.Verdicts);
        var twice = other.Transform(once).Schema;
        Assert.Equal(SetOf(once.Schema["Score"]) + 1, SetOf(twice["Second"]));
        Assert.Equal(SetOf(twice["Second"]), SetOf(twice["Probability"]));

        static uint SetOf(DataViewSchema.Column column)
        {
            uint value = 0;
            column.Annotations.GetValue("ScoreColumnSetId", ref value);
            return value;
        }
    }

    [Fact]
    public void Evaluate_ReadsTheScores()
    {
        var metrics =
            fitted.MLContext.MulticlassClassification.Evaluate(fitted.Chain.Transform(fitted.MLContext.Data.LoadFromEnumerable(Toys.Documents(60, seed: 2))));
        Assert.True(metrics.MicroAccuracy >= 0.9, $"accuracy {metrics.MicroAccuracy}");
        Assert.Equal(3, metrics.ConfusionMatrix.NumberOfClasses);
        Assert.Equal(3, metrics.PerClassLogLoss.Count);
        Assert.True(metrics.LogLoss < Math.Log(3));
        string table = metrics.ConfusionMatrix.GetFormattedConfusionTable();
        Assert.All(Toys.Labels, label => Assert.Contains(label, table, StringComparison.Ordinal));
    }

    [Fact]
    public void Scores_AreProbabilities_AndTheBestIsPredicted()
    {
        var predictions = fitted.Predict([.. Toys.Documents(30, seed: 3).Select(document => document.Text)]);
        Assert.All(predictions, prediction =>
        {
            Assert.Equal(1, prediction.Score!.Sum(), 1e-5);
            Assert.All(prediction.Score!, score => Assert.InRange(score, 0, 1));
            Assert.Equal(Toys.Labels[Array.IndexOf(prediction.Score!, prediction.Score!.Max())], prediction.Label);
        });
    }

    [Fact]
    public void CrossValidate_FitsEveryFold()
    {
        var mlContext = new MLContext(1);
        var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label").Append(Toys.Trainer(mlContext));
        var folds = mlContext.MulticlassClassification.CrossValidate(mlContext.Data.LoadFromEnumerable(Toys.Documents(40)),
            pipeline, numberOfFolds: 2, seed: 1);
        Assert.Equal(2, folds.Count);
        Assert.All(folds, fold => Assert.True(double.IsFinite(fold.Metrics.LogLoss)));
        foreach (var fold in folds)
            ((IDisposable)fold.Model).Dispose();
    }

    [Fact]
    public void Chain_IsSavedAndLoaded_WithItsKeys()
    {
        using var stream = new MemoryStream(fitted.Zip);
        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(stream, out var schema);
        Assert.Equal(["Label", "Text", "Weight"], schema.Select(column => column.Name));
        Assert.Equal(Rows.Of(fitted.Chain.Transform(fitted.Training)), Rows.Of(loaded.Transform(fitted.Training)));
    }

    [Fact]
    public void PredictionEngine_PredictsAsTransform()
    {
        var documents = Toys.Documents(6, seed: 4);
        using var engine = fitted.MLContext.Model.CreatePredictionEngine<Document, Prediction>(fitted.Chain,
            new PredictionEngineOptions { OwnsTransformer = false });
        var expected = fitted.Predict([.. documents.Select(document => document.Text)]);
        for (int i = 0; i < documents.Count; i++)
        {
            var prediction = engine.Predict(documents[i]);
            Assert.Equal(expected[i].Label, prediction.Label);
            Assert.Equal(expected[i].Score!, prediction.Score!, Rows.AreAlike);
        }
    }

    [Fact]
    public void PredictionEngine_OwnsAndDisposesTheTransformer_ByDefault()
    {
        var mlContext = new MLContext(1);
        using var stream = new MemoryStream(fitted.Zip);
        var model = mlContext.Model.Load(stream, out _);
        mlContext.Model.CreatePredictionEngine<Document, Prediction>(model).Dispose();
        Assert.True(Failures.IsDisposed(Record.Exception(() => Rows.Of(model.Transform(fitted.Training)))));
    }

    [Fact]
    public void Columns_MayHaveOtherNames()
    {
        var mlContext = new MLContext(1);
        var data = mlContext.Data.LoadFromEnumerable(Toys.Documents(12));
        var renamed = mlContext.Transforms.Conversion.MapValueToKey("Topic", "Label")
            .Append(mlContext.Transforms.CopyColumns("Body", "Text")).Fit(data).Transform(data);
        using var model = mlContext.MulticlassClassification.Trainers.MahaTextClassification("Topic", "Body", "Scores", "Best", dModel: 16, numLayers: 1,
            maxSequenceLength: 32, numberOfEpochs: 1)
            .Fit(renamed);
        using var loaded = (IDisposable)EstimatorContract.SaveAndLoad(mlContext, model, renamed.Schema);
        var output = ((ITransformer)loaded).Transform(renamed);
        Assert.NotNull(output.Schema.GetColumnOrNull("Scores"));
        Assert.NotNull(output.Schema.GetColumnOrNull("Best"));
        var metrics = mlContext.MulticlassClassification.Evaluate(output, "Topic", "Scores", "Best");
        Assert.InRange(metrics.MicroAccuracy, 0, 1);
    }

    [Fact]
    public void Catalog_HasTheDefaultsOfTheOptions()
    {
        var options = new MahaTextClassificationTrainer.Options();
        (Type Trainers, string Method, object Options)[] methods =
        [
            (typeof(MulticlassClassificationCatalog.MulticlassClassificationTrainers), "MahaTextClassification", options),
            (typeof(MulticlassClassificationCatalog.MulticlassClassificationTrainers), "MahaMultiLabelTextClassification",
                new MahaMultiLabelTextClassificationTrainer.Options()),
            (typeof(BinaryClassificationCatalog.BinaryClassificationTrainers), "MahaTextClassification", new MahaBinaryTextClassificationTrainer.Options()),
        ];
        foreach (var (trainers, name, defaults) in methods)
        {
            var method = typeof(MahaCatalog).GetMethods()
                .Single(candidate => candidate.Name == name && candidate.GetParameters() is { Length: > 2 } all && all[0].ParameterType == trainers);
            foreach (var parameter in method.GetParameters().Skip(1))
            {
                var property = defaults.GetType().GetProperty(char.ToUpperInvariant(parameter.Name![0]) + parameter.Name[1..]);
                Assert.NotNull(property);
                // Null leaves the option as it is.
                if (parameter.DefaultValue is not null)
                    Assert.Equal(property.GetValue(defaults), parameter.DefaultValue);
            }
        }
        Assert.Equal(16384, options.MaxSequenceLength);
    }
}
