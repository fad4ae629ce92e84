using Maha.Layers.Training;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class DivergenceTests
{
    private static readonly TrainingOptions s_options = new()
    {
        NumberOfEpochs = 2,
        TokensPerBatch = 60,
        LearningRate = 0.5,
        WarmupFraction = 0,
        ValidationFraction = 0,
    };

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void NonFiniteLoss_NamesStepLossRateAndRemedies(double bad)
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(100);
        int batches = 0;
        double[] before = [];
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum() + (++batches == 3 ? bad : 0), 1));
        long live = TestTensors.CountLive();
        var e = Assert.Throws<TrainingDivergedException>(() => new Trainer(s_options).Train(task, documents, progress: new AtOnce(_ => before = model.Values)));
        Assert.Equal((1, 3L, bad), (e.Epoch, e.Step, e.Loss));
        Assert.InRange(e.LearningRate, 0.4, 0.5);
        Assert.Contains($"The loss must be finite, but is {bad} at step 3 of ", e.Message, StringComparison.Ordinal);
        Assert.Contains("epoch 1 of 2", e.Message, StringComparison.Ordinal);
        Assert.Contains("a lower LearningRate (now 0.5; try 0.05)", e.Message, StringComparison.Ordinal);
        Assert.Contains("WarmupFraction", e.Message, StringComparison.Ordinal);
        Assert.Contains("MaxGradientNorm", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, model.Values);
        Assert.Null(model.Weight.grad);
        TestTensors.AssertLiveAtMost(live);
    }

    [Fact]
    public void NonFiniteGradient_OfAFiniteLoss_IsFound()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(100);
        // The square root has an infinite slope at 0.
        var task = new ScriptedTask(model, _ => new TaskLoss((model.Weight * 0.0).sqrt().sum(), 1));
        var e = Assert.Throws<TrainingDivergedException>(() => new Trainer(s_options).Train(task, documents));
        Assert.Contains("The gradient norm must be finite, but is NaN at step 1 of ", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, e.Loss);
        Assert.All(model.Values, value => Assert.Equal(1, value));
    }

    [Theory]
    [InlineData(ValidationMetric.Loss)]
    [InlineData(ValidationMetric.Accuracy)]
    public void NonFiniteValidation_OfTheLastStep_IsFound(ValidationMetric metric)
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(40);
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1),
            () => new ValidationMetrics { Loss = double.NaN, Accuracy = 0.5, Count = 4 });
        var e = Assert.Throws<TrainingDivergedException>(() =>
            new Trainer(s_options with { EarlyStoppingMetric = metric, ValidationFraction = 0.1 }).Train(task, documents));
        Assert.Contains("The validation loss must be finite, but is NaN", e.Message, StringComparison.Ordinal);
        Assert.Contains("The weights are those after the step.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EpochOfNonFiniteLoss_IsNotTheBest_WhateverItsAccuracy()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(40);
        int epochs = 0;
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1), () => ++epochs == 1
            ? new ValidationMetrics { Loss = 1, Accuracy = 0.3, Count = 4 }
            : new ValidationMetrics { Loss = double.PositiveInfinity, Accuracy = 0.9, Count = 4 });
        var result = new Trainer(s_options with { EarlyStoppingMetric = ValidationMetric.Accuracy, ValidationFraction = 0.1 }).Train(task, documents);
        Assert.Equal((2, 1), (epochs, result.BestEpoch));
    }
}
