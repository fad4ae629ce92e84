using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

[Collection(FittedCollection.Name)]
public class MahaBinaryTextClassificationTrainerTests(FittedModels fitted)
{
    private sealed class NoText
    {
        public bool Label { get; set; }
    }

    private sealed class NumberText
    {
        public bool Label { get; set; }

        public float Text { get; set; }
    }

    [Fact]
    public void Trainer_KeepsTheContract()
    {
        var mlContext = new MLContext(1);
        EstimatorContract.Check(mlContext, Toys.BinaryTrainer(mlContext), mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12)),
            (mlContext.Data.LoadFromEnumerable([new NoText()]), "There must be a column 'Text', but the columns are: Label"),
            (mlContext.Data.LoadFromEnumerable([new NumberText()]), "Column 'Text' must be Text, but is Single"),
            (Toys.Keyed(mlContext, Toys.Documents(3)),
                "Label column 'Label' must be Boolean, but is Key<UInt32, 0-2>. Load it as bool, or use MulticlassClassification for keys."));
    }

    [Fact]
    public void OutputColumns_HaveTheAnnotationsOfMLNetsOwnTrainers()
    {
        var mlContext = fitted.MLContext;
        var features = mlContext.Transforms.Text.FeaturizeText("Features", "Text").Fit(fitted.Verdicts).Transform(fitted.Verdicts);
        var theirs = mlContext.BinaryClassification.Trainers.LbfgsLogisticRegression().Fit(features).GetOutputSchema(features.Schema);
        var schema = fitted.Binary.GetOutputSchema(fitted.Verdicts.Schema);
        foreach (string name in new[] { "Score", "Probability", "PredictedLabel" })
        {
            Assert.Equal(theirs[name].Type.ToString(), schema[name].Type.ToString());
            Assert.Equal(Rows.Annotations(theirs[name]), Rows.Annotations(schema[name]));
        }
    }

    [Fact]
    public void Evaluate_ReadsScoreAndProbability()
    {
        var test = fitted.MLContext.Data.LoadFromEnumerable(Toys.Verdicts(60, seed: 2));
        var metrics = fitted.MLContext.BinaryClassification.Evaluate(fitted.Binary.Transform(test));
        Assert.True(metrics.Accuracy >= 0.9, $"accuracy {metrics.Accuracy}");
        Assert.True(metrics.AreaUnderRocCurve >= 0.95, $"AUC {metrics.AreaUnderRocCurve}");
        Assert.InRange(metrics.LogLoss, 0, 1);
        Assert.Contains("positive", metrics.ConfusionMatrix.GetFormattedConfusionTable(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Probability_IsTheLogisticOfTheScore_AndDecides()
    {
        var rows = fitted.MLContext.Data.CreateEnumerable<BinaryPrediction>(fitted.Binary.Transform(fitted.Verdicts), reuseRowObject: false).ToList();
        Assert.Contains(rows, row => row.PredictedLabel);
        Assert.Contains(rows, row => !row.PredictedLabel);
        Assert.All(rows, row =>
        {
            Assert.Equal(1 / (1 + Math.Exp(-row.Score)), row.Probability, 1e-6);
            Assert.Equal(row.Score > 0, row.PredictedLabel);
        });
    }

    [Fact]
    public void CrossValidate_FitsEveryFold()
    {
        var mlContext = new MLContext(1);
        var folds = mlContext.BinaryClassification.CrossValidate(mlContext.Data.LoadFromEnumerable(Toys.Verdicts(30)),
            Toys.BinaryTrainer(mlContext), numberOfFolds: 2, seed: 1);
        Assert.All(folds, fold => Assert.True(double.IsFinite(fold.Metrics.LogLoss)));
        foreach (var fold in folds)
            ((IDisposable)fold.Model).Dispose();
    }

    [Fact]
    public void OneClassOnly_Throws()
    {
        var mlContext = new MLContext(1);
        var data = mlContext.Data.LoadFromEnumerable(Toys.Verdicts(10).Select(row => new Verdict { Label = true, Text = row.Text }));
        var e = Assert.Throws<InvalidOperationException>(() => Toys.BinaryTrainer(mlContext).Fit(data));
        Assert.Equal(
            "The training data must have documents of at least two classes, but all 10 are of class 'True'. "
                + "Add documents of other classes, or look at the label column.",
            e.Message);
    }

    [Fact]
    public void PredictionEngine_PredictsAsTransform()
    {
        using var engine = fitted.MLContext.Model.CreatePredictionEngine<Verdict, BinaryPrediction>(fitted.Binary,
            new PredictionEngineOptions { OwnsTransformer = false });
        var documents = Toys.Verdicts(5, seed: 9);
        var scored = fitted.Binary.Transform(fitted.MLContext.Data.LoadFromEnumerable(documents));
        var expected = fitted.MLContext.Data.CreateEnumerable<BinaryPrediction>(scored, reuseRowObject: false).ToList();
        var predicted = documents.Select(document => engine.Predict(document)).ToList();
        Assert.Equal(expected.Select(row => row.PredictedLabel), predicted.Select(row => row.PredictedLabel));
        Assert.Equal(expected.SelectMany(row => new[] { row.Score, row.Probability }),
            predicted.SelectMany(row => new[] { row.Score, row.Probability }), Rows.AreAlike);
    }
}
