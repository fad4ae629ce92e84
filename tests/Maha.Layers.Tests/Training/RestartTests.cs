using Maha.Layers.Data;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class RestartTests
{
    // The prior of ten equal classes.
    private static readonly PriorBaseline s_prior = new(Math.Log(10), Math.Log(10), 0.1);

    private static readonly TrainingOptions s_options = new()
    {
        NumberOfEpochs = 4,
        TokensPerBatch = 60,
        LearningRate = 0.4,
        ValidationFraction = 0.2,
        MaxRestarts = 2,
    };

    // Four epochs that diverge, then a training that learns.
    private static readonly (double, double, double)[] s_diverging = [(2.9, 2.9, 0.1), (3, 3, 0.1), (3, 3, 0.1), (3.125, 3.25, 0.1), (1, 1, 0.7)];

    [Fact]
    public void DivergedTraining_StartsAgainAtItsEnd_FromTheFirstWeights_AtAQuarterOfTheRate()
    {
        using var run = new Script(s_diverging);
        var result = run.Train(s_options);
        var restart = Assert.Single(result.Restarts);
        Assert.Equal((4, null, 0.1), (restart.Epoch, restart.FromEpoch, restart.LearningRate));
        Assert.Equal((3.125, 3.25, Math.Log(10)), (restart.TrainingLoss, restart.ValidationLoss!.Value, restart.PriorLoss!.Value));
        Assert.All(run.WeightsAtRestarts.Single(), value => Assert.Equal(1, value));
        Assert.Equal((6, 1), (result.Epochs.Count, result.NumRestarts));
        Assert.True(result.IsBetterThanPrior);
    }

    [Fact]
    public void Restart_BeginsTheScheduleAnew_AndCountsTheSteps()
    {
        using var run = new Script(s_diverging);
        var result = run.Train(s_options);
        var first = run.Steps.Where(step => step.Epoch <= 4).ToList();
        var second = run.Steps.Where(step => step.Epoch > 4).ToList();
        var schedule = new LearningRateSchedule(0.1, s_options.MinLearningRateFraction, s_options.WarmupFraction, second.Count);
        Assert.Equal(Enumerable.Range(0, second.Count).Select(step => schedule.RateAt(step)), second.Select(step => step.LearningRate));
        Assert.Equal(Enumerable.Range(1, run.Steps.Count).Select(step => (long)step), run.Steps.Select(step => step.Step));
        Assert.Equal((result.Steps, first.Count + second.Count), (second[^1].TotalSteps, run.Steps.Count));
        Assert.Equal(TimeSpan.Zero, second[^1].TimeLeft < TimeSpan.FromMilliseconds(50) ? TimeSpan.Zero : second[^1].TimeLeft);
    }

    [Fact]
    public void DivergedTraining_StartsAgain_WhereEarlyStoppingEndsIt()
    {
        using var run = new Script((2.9, 2.9, 0.1), (3, 3, 0.1), (1, 1, 0.7));
        Assert.Equal(2, Assert.Single(run.Train(s_options with { EarlyStoppingPatience = 1 }).Restarts).Epoch);
    }

    [Fact]
    public void TrainingThatDivergesAlways_EndsAfterItsRestarts_OfHalfOfTheEpochs()
    {
        using var run = new Script([.. s_diverging[..4], .. s_diverging[..2], .. s_diverging[..2]]);
        var result = run.Train(s_options with { EarlyStoppingPatience = null });
        Assert.Equal([4, 6], result.Restarts.Select(restart => restart.Epoch));
        Assert.Equal([0.1, 0.025], result.Restarts.Select(restart => restart.LearningRate));
        Assert.Equal(8, result.Epochs.Count);
        Assert.False(result.IsBetterThanPrior);
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 5)]
    [InlineData(4, 6)]
    [InlineData(5, 8)]
    public void RestartAtTheEnd_RunsAtLeastForHalfOfTheEpochs(int epochs, int all)
    {
        using var run = new Script((2.9, 2.9, 0.1), (3, 3, 0.1));
        var result = run.Train(s_options with { NumberOfEpochs = epochs, MaxRestarts = 1, EarlyStoppingPatience = null });
        Assert.Equal((epochs, all), (Assert.Single(result.Restarts).Epoch, result.Epochs.Count));
    }

    [Fact]
    public void EpochsAfterARestart_AreComparedWithTheFirstOneSince()
    {
        // The loss falls since the restart, so that nothing has diverged, although it is above that of the very first epoch.
        using var falling = new Script([.. s_diverging[..4], (3.2, 3.2, 0.1), (3.1, 3.1, 0.1)]);
        Assert.Equal(1, falling.Train(s_options with { EarlyStoppingPatience = null }).NumRestarts);

        // The accuracy rises since the restart, so that early stopping waits, although it is below that of the training that diverged.
        using var rising = new Script((2.9, 2.9, 0.12), (3, 3, 0.1), (3, 3, 0.1), (2.4, 2.4, 0.1), (2.4, 2.4, 0.105), (2.4, 2.4, 0.1), (1, 1, 0.7));
        var result = rising.Train(s_options with { NumberOfEpochs = 7, EarlyStoppingMetric = ValidationMetric.Accuracy, EarlyStoppingPatience = 2 });
        Assert.Equal((3, 7, 7), (Assert.Single(result.Restarts).Epoch, result.Epochs.Count, result.BestEpoch));
    }

    [Fact]
    public void LossThatIsNotFinite_StartsAgain_AndThrowsAfterTheLastRestart()
    {
        using var run = new Script((double.NaN, 1, 0.7), (1, 1, 0.7), (1, 1, 0.7));
        var result = run.Train(s_options);
        Assert.Null(Assert.Single(result.Restarts).ValidationLoss);
        Assert.Equal([2, 3, 4], result.Epochs.Select(epoch => epoch.Epoch));
        Assert.Equal(2, result.BestEpoch);

        using var hopeless = new Script((double.NaN, 1, 0.7));
        Assert.Throws<TrainingDivergedException>(() => hopeless.Train(s_options));
        Assert.Equal(2, hopeless.WeightsAtRestarts.Count);
    }

    [Theory]
    [InlineData(double.NaN, 1)]
    [InlineData(1, double.NaN)]
    [InlineData(1, double.PositiveInfinity)]
    public void LossThatIsNotFinite_StartsAgain_FromTheBestEpoch(double training, double validation)
    {
        using var run = new Script((1, 1, 0.7), (training, validation, 0.7), (0.9, 0.9, 0.8));
        var result = run.Train(s_options);
        var restart = Assert.Single(result.Restarts);
        Assert.Equal((2, 1), (restart.Epoch, restart.FromEpoch));
        Assert.Equal(run.WeightsAtEpochs[0], run.WeightsAtRestarts.Single());
        Assert.Equal(3, result.BestEpoch);
    }

    public static TheoryData<string, double[], bool> FiniteTrainings => new()
    {
        // The training and validation losses of the epochs; the accuracy is that of the prior.
        { "stays at the prior", [2.3, 2.3, 2.31, 2.31, 2.3, 2.32, 2.31, 2.33], false },
        { "is above the prior but falls", [2.6, 2.6, 2.5, 2.5, 2.45, 2.45, 2.4, 2.4], false },
        { "is above the prior first and learns at the end", [2.4, 2.4, 2.5, 2.5, 2.5, 2.5, 1, 1], true },
        { "learns and diverges", [1, 1, 3, 3, 3, 3, 3, 3], true },
        { "learns and falls back to the prior", [1, 1, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31], true },
        { "fits the training documents alone", [2.2, 2.4, 1, 3, 0.1, 4, 0.1, 5], false },
        { "has a high auxiliary loss", [3, 2.3, 4, 2.31, 4, 2.32, 4, 2.33], false },
    };

    [Theory]
    [MemberData(nameof(FiniteTrainings))]
    public void TrainingThatMayLearn_DoesNotStartAgain(string training, double[] losses, bool isUseful)
    {
        using var run = new Script([.. losses.Chunk(2).Select(epoch => (epoch[0], epoch[1], 0.1))]);
        var result = run.Train(s_options with { EarlyStoppingPatience = null });
        Assert.True(result.NumRestarts == 0, training);
        Assert.Equal((4, isUseful), (result.Epochs.Count, result.IsBetterThanPrior));
    }

    [Fact]
    public void ModelThatIsCertainAndMostlyRight_DoesNotStartAgain()
    {
        // The losses are worse than those of the prior, and the accuracy is better.
        using var run = new Script((3, 3, 0.6), (4, 4, 0.6));
        var result = run.Train(s_options);
        Assert.Empty(result.Restarts);
        Assert.True(result.IsBetterThanPrior);
    }

    [Fact]
    public void EpochThatPredictsBetterThanThePrior_HasNotDiverged_WhateverItsLosses()
    {
        // The losses rise above those of the prior and of the first epoch, which says nothing yet; the accuracy is better.
        using var run = new Script((2.5, 2.5, 0.1), (4, 4, 0.6));
        var result = run.Train(s_options with { NumberOfEpochs = 2, EarlyStoppingMetric = ValidationMetric.Accuracy });
        Assert.Empty(result.Restarts);
        Assert.Equal((2, true), (result.BestEpoch, result.IsBetterThanPrior));
    }

    [Fact]
    public void TrainingLossOfARestart_IsTheMeanOverTheLastHalfOfTheSteps()
    {
        using var run = new Script(s_diverging) { Drift = 0.25 };
        var restart = Assert.Single(run.Train(s_options).Restarts);
        var losses = run.LossesOfEpochs[restart.Epoch - 1];
        var late = losses.Skip(losses.Count / 2).ToList();
        Assert.InRange(late.Count, 3, losses.Count - 3);
        Assert.Equal(late.Sum(step => step.Loss * step.Count) / late.Sum(step => step.Count), restart.TrainingLoss, 1e-12);
    }

    [Fact]
    public void EpochThatDiverged_PostponesEarlyStopping_ByItsMetric()
    {
        // The second epoch is above the prior and not the best one, but its accuracy is the highest so far: the training goes on until the fourth, which learns.
        using var run = new Script((2.4, 2.4, 0.1), (2.5, 2.5, 0.11), (2.45, 2.45, 0.1), (1, 1, 0.7));
        var result = run.Train(s_options with { EarlyStoppingMetric = ValidationMetric.Accuracy, EarlyStoppingPatience = 2 });
        Assert.Equal((4, 4), (result.Epochs.Count, result.BestEpoch));
    }

    [Fact]
    public void WithoutRestarts_TheEpochsAreAsPlanned()
    {
        using var run = new Script(s_diverging);
        var result = run.Train(s_options with { MaxRestarts = 0, EarlyStoppingPatience = null });
        Assert.Empty(result.Restarts);
        Assert.Equal(4, result.Epochs.Count);
        Assert.False(result.IsBetterThanPrior);
    }

    [Fact]
    public void EpochThatDiverged_IsNotTheBest_WhateverItsAccuracy()
    {
        // A model that predicts one class for all documents is right a little more often, by chance.
        using var run = new Script((2.2, 2.25, 0.1), (3, 3, 0.11), (3, 3, 0.11));
        var result = run.Train(s_options with { MaxRestarts = 0, EarlyStoppingMetric = ValidationMetric.Accuracy });
        Assert.Equal(1, result.BestEpoch);
    }

    [Fact]
    public void Restart_KeepsTheTimeLimit()
    {
        using var run = new Script(s_diverging);
        using var cancellation = new CancellationTokenSource();
        run.OnRestart = cancellation.Cancel;
        var result = run.Train(s_options with { CancellationBehavior = CancellationBehavior.KeepBest }, cancellation.Token);
        Assert.Equal((TrainingOutcome.Canceled, 1), (result.Outcome, result.Restarts.Count));
    }

    /// <summary>A training whose epochs have scripted losses: training loss, validation loss, accuracy. The last one repeats.</summary>
    private sealed class Script : ITrainingTask, IPriorTask, IDisposable
    {
        private readonly (double Training, double Validation, double Accuracy)[] _epochs;
        private readonly TwoParameters _model = new();
        private readonly TokenizedDataset _documents = Toys.Documents(100);
        private int _epoch;

        public Script(params (double Training, double Validation, double Accuracy)[] epochs) => _epochs = epochs;

        public List<TrainingProgress> Steps { get; } = [];

        public List<double[]> WeightsAtEpochs { get; } = [];

        public List<double[]> WeightsAtRestarts { get; } = [];

        /// <summary>The loss and the number of documents of each step.</summary>
        public List<List<(double Loss, int Count)>> LossesOfEpochs { get; } = [[]];

        /// <summary>How much the training loss rises with each step of an epoch.</summary>
        public double Drift { get; init; }

        public Action? OnRestart { get; set; }

        public nn.Module Module => _model;

        public PriorBaseline Prior => s_prior;

        private (double Training, double Validation, double Accuracy) Now => _epochs[Math.Min(_epoch, _epochs.Length - 1)];

        public TrainingResult Train(TrainingOptions options, CancellationToken cancellationToken = default) => new Trainer(options).Train(this, _documents, progress: new AtOnce(report =>
        {
            if (report.Restart is not null)
            {
                WeightsAtRestarts.Add(_model.Values);
                if (report.Restart.ValidationLoss is null) // the epoch had no validation, which counts the others
                    _epoch++;
                OnRestart?.Invoke();
            }
            else if (report.Validation is null)
            {
                Steps.Add(report);
            }
        }), cancellationToken: cancellationToken);

        public bool Reports(ValidationMetric metric) => metric != ValidationMetric.MacroF1;

        public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments)
        {
        }

        // The value is scripted, the gradient is that of the sum.
        public TaskLoss Loss(TokenBatch batch)
        {
            double value = Now.Training + (Drift * LossesOfEpochs[^1].Count);
            LossesOfEpochs[^1].Add((value, batch.Rows.Count));
            return new(_model.Weight.sum() - _model.Weight.sum().detach() + value, batch.Rows.Count);
        }

        public IValidationPass BeginValidation() => new Pass(this);

        public void Dispose()
        {
            _model.Dispose();
            _documents.Dispose();
        }

        private sealed class Pass(Script script) : IValidationPass
        {
            public void Add(TokenBatch batch)
            {
            }

            public ValidationMetrics Complete()
            {
                var now = script.Now;
                script.WeightsAtEpochs.Add(script._model.Values);
                script._epoch++;
                script.LossesOfEpochs.Add([]);
                return new ValidationMetrics { Loss = now.Validation, Accuracy = now.Accuracy, Count = 1000 };
            }
        }
    }
}
