using Maha.Layers.Training;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class EarlyStoppingTests
{
    [Theory]
    [InlineData(ValidationMetric.Loss, new[] { 5.0, 3, 2, 4, 2, 9, 1 }, 2, 5, 3)]
    [InlineData(ValidationMetric.Loss, new[] { 5.0, 3, 2, 4, 2, 9, 1 }, null, 7, 7)]
    [InlineData(ValidationMetric.Accuracy, new[] { 0.1, 0.5, 0.4, 0.5, 0.3, 0.9, 1 }, 3, 5, 2)]
    [InlineData(ValidationMetric.Accuracy, new[] { 0.9, 0.5, 0.4, 0.5, 0.3, 0.2, 0.1 }, 6, 7, 1)]
    [InlineData(ValidationMetric.Loss, new[] { double.NaN, double.NaN, 2, double.NaN, 3, 4, 5 }, 3, 6, 3)]
    public void BestWeights_AreRestored(ValidationMetric metric, double[] script, int? patience, int epochs, int best)
    {
        using var model = new TwoParameters();
        var atValidation = new List<double[]>();
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum() + model.Bias.sum(), 1), () =>
        {
            double value = script[atValidation.Count];
            atValidation.Add([.. model.Values, .. TestTensors.ToArray(model.Bias)]);
            return new ValidationMetrics
            {
                Loss = metric == ValidationMetric.Loss ? value : 7,
                Accuracy = metric == ValidationMetric.Accuracy ? value : 0,
                Count = 1,
            };
        });
        using var documents = Toys.Documents(40);

        var result = new Trainer(
            new TrainingOptions { NumberOfEpochs = 7, TokensPerBatch = 100, EarlyStoppingMetric = metric, EarlyStoppingPatience = patience })
            .Train(task, documents);

        Assert.Equal(epochs, result.Epochs.Count);
        Assert.Equal(epochs < 7 ? TrainingOutcome.StoppedEarly : TrainingOutcome.Completed, result.Outcome);
        Assert.Equal(best, result.BestEpoch);
        Assert.Equal(script[best - 1], result.BestValidation!.Get(metric));
        Assert.Equal(atValidation[best - 1], model.Values.Concat(TestTensors.ToArray(model.Bias)));
        Assert.Equal(atValidation.Count, atValidation.Select(values => values[0]).Distinct().Count());
    }

    [Fact]
    public void WithoutValidation_TheLastWeightsStay()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(40);
        double[] last = [];
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1),
            () => throw new InvalidOperationException("there is nothing to validate on"));
        var result = new Trainer(new TrainingOptions { NumberOfEpochs = 4, ValidationFraction = 0 }).Train(task, documents,
            progress: new AtOnce(_ => last = model.Values));
        Assert.Equal(TrainingOutcome.Completed, result.Outcome);
        Assert.Equal(4, result.Epochs.Count);
        Assert.Null(result.BestEpoch);
        Assert.Null(result.BestValidation);
        Assert.Equal(last, model.Values);
        Assert.Equal((40, 0), (result.NumTrainingDocuments, result.NumValidationDocuments));
    }

    [Fact]
    public void GivenValidationDocuments_AreUsed_AndNoneAreSplitOff()
    {
        using var model = new TwoParameters();
        using var training = Toys.Documents(40);
        using var validation = Toys.Documents(17, seed: 2);
        int validated = 0;
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1), onValidationBatch: batch => validated += batch.Rows.Count);
        var result = new Trainer(new TrainingOptions { NumberOfEpochs = 2, TokensPerBatch = 30 }).Train(task, training, validation);
        Assert.Equal((40, 17), (result.NumTrainingDocuments, result.NumValidationDocuments));
        Assert.Equal(34, validated);
    }
}
