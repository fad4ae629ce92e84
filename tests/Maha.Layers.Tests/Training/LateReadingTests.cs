using Maha.Layers.Data;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>Trainings whose losses are read while the next step is computed, as on CUDA devices: the same steps and reports.</summary>
[Collection(AloneCollection.Name)]
public class LateReadingTests
{
    private static readonly TrainingOptions s_options = new()
    {
        NumberOfEpochs = 3,
        TokensPerBatch = 60,
        GradientAccumulation = 3,
        LearningRate = 0.02,
        ClassWeighting = ClassWeighting.Balanced,
        Seed = 3,
    };

    [Theory]
    [InlineData(null)]
    [InlineData(ScalarType.BFloat16)]
    public void Weights_And_Reports_AreTheSame(ScalarType? computeType)
    {
        var (weights, reports, result) = Train(readsLate: false);
        var (lateWeights, lateReports, lateResult) = Train(readsLate: true);
        Assert.Equal(weights, lateWeights);
        Assert.Equal(reports, lateReports);
        Assert.InRange(reports.Count, 10, 1000);
        Assert.Equal(result.Steps, lateResult.Steps);
        Assert.Equal(result.Epochs.Select(epoch => epoch.TrainingLoss), lateResult.Epochs.Select(epoch => epoch.TrainingLoss));

        (double[], List<string>, TrainingResult) Train(bool readsLate)
        {
            using var documents = Toys.Documents(120);
            using var classifier = Toys.Classifier(dropout: 0.3);
            var lines = new List<string>();
            var trainer = new Trainer(s_options with { ComputeType = computeType }) { ReadsLate = readsLate };
            long live = TestTensors.CountLive();
            var trained = trainer.Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(now => lines.Add(
                $"{now.Epoch} {now.Step} {now.TotalSteps} {now.Loss:R} {now.LearningRate:R} {now.GradientNorm:R} {now.Validation?.Loss:R}")));
            if (computeType is null)
                TestTensors.AssertLiveAtMost(live);
            return (Toys.WeightsOf(classifier), lines, trained);
        }
    }

    [Fact]
    public void AStep_IsReported_AfterTheNextOneHasBegun()
    {
        using var documents = Toys.Documents(100);
        using var model = new TwoParameters();
        var events = new List<string>();
        int batches = 0;
        var task = new ScriptedTask(model, _ =>
        {
            events.Add($"batch {++batches}");
            return new TaskLoss(model.Weight.sum(), 1);
        });
        var options = new TrainingOptions { NumberOfEpochs = 1, TokensPerBatch = 200, ValidationFraction = 0 };
        new Trainer(options) { ReadsLate = true }.Train(task, documents, progress: new AtOnce(now => events.Add($"report {now.Step}")));
        Assert.Equal(["batch 1", "batch 2", "report 1", "batch 3", "report 2"], events.Take(5));
        Assert.Equal([$"batch {batches}", $"report {batches - 1}", $"report {batches}"], events.TakeLast(3));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AStepThatIsNotFinite_IsNamed_AndChangesNothing_NorDoThoseAfterIt(bool isLoss)
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(100);
        int batches = 0;
        double[] before = [];
        var task = new ScriptedTask(model, _ =>
        {
            if (++batches == 4)
                before = model.Values;
            var loss = model.Weight.sum();
            return new TaskLoss(batches != 4 ? loss : isLoss ? loss + double.NaN : (model.Weight * 0.0).sqrt().sum(), 1);
        });
        var options = new TrainingOptions { NumberOfEpochs = 2, TokensPerBatch = 60, LearningRate = 0.5, WarmupFraction = 0, ValidationFraction = 0 };
        long live = TestTensors.CountLive();
        var e = Assert.Throws<TrainingDivergedException>(() => new Trainer(options) { ReadsLate = true }.Train(task, documents));
        Assert.Contains($"The {(isLoss ? "loss" : "gradient norm")} must be finite, but is NaN at step 4 of ", e.Message, StringComparison.Ordinal);
        Assert.Equal(5, batches);
        Assert.Equal(before, model.Values);
        TestTensors.AssertLiveAtMost(live);
    }

    [Fact]
    public void ARestart_FollowsAStepThatIsNotFinite()
    {
        using var documents = Toys.Documents(100);
        using var classifier = Toys.Classifier();
        var inner = Toys.TaskOf(classifier);
        var options = s_options with { MaxRestarts = 1, ClassWeighting = ClassWeighting.None };
        inner.Begin(options, documents, null);
        int batches = 0;
        var task = new ScriptedTask(classifier, batch =>
        {
            var loss = inner.Loss(batch);
            return ++batches == 5 ? loss with { Mean = loss.Mean * double.PositiveInfinity } : loss;
        });
        var result = new Trainer(options) { ReadsLate = true }.Train(task, documents);
        Assert.Equal(1, result.NumRestarts);
        Assert.All(Toys.WeightsOf(classifier), weight => Assert.True(double.IsFinite(weight)));
    }

    // The dropout after the restart does not depend on the steps that had drawn before the loss was read: not on checkpoints, which read it, nor on late reading.
    [Fact]
    public void AfterARestart_TheWeightsAreTheSame_WheneverTheLossIsRead()
    {
        double[] expected = Weights(readsLate: false, interval: null);
        Assert.Equal(expected, Weights(readsLate: true, interval: null));
        Assert.Equal(expected, Weights(readsLate: true, interval: 1));
        Assert.Equal(expected, Weights(readsLate: true, interval: 3));

        static double[] Weights(bool readsLate, int? interval)
        {
            using var documents = Toys.Documents(100);
            using var classifier = Toys.Classifier(dropout: 0.3);
            var inner = Toys.TaskOf(classifier);
            var options = s_options with { MaxRestarts = 1, GradientAccumulation = 1, ValidationFraction = 0, ClassWeighting = ClassWeighting.None };
            inner.Begin(options, documents, null);
            bool hasFailed = false;
            var trainer = new Trainer(options) { ReadsLate = readsLate, Checkpoints = interval is { } steps ? new KeptCheckpoints { Interval = steps } : null };
            // By the document, since the number of batches before the restart differs.
            var task = new ScriptedTask(classifier, batch =>
            {
                var loss = inner.Loss(batch);
                if (hasFailed || !batch.Rows.Contains(7))
                    return loss;
                hasFailed = true;
                return loss with { Mean = loss.Mean * double.PositiveInfinity };
            });
            Assert.Equal(1, trainer.Train(task, documents).NumRestarts);
            return Toys.WeightsOf(classifier);
        }
    }

    [Theory]
    [InlineData(CancellationBehavior.KeepBest)]
    [InlineData(CancellationBehavior.Throw)]
    public void ACancellation_ThatMeetsAStepThatIsNotFinite_IsACancellation_WhereATrainingMayRestart(CancellationBehavior behavior)
    {
        if (behavior == CancellationBehavior.Throw)
            Assert.ThrowsAny<OperationCanceledException>(() => Train(maxRestarts: 1));
        else
            Assert.Equal((TrainingOutcome.Canceled, 4L), Train(maxRestarts: 1));
        Assert.Throws<TrainingDivergedException>(() => Train(maxRestarts: 0));

        (TrainingOutcome, long) Train(int maxRestarts)
        {
            using var canceled = new CancellationTokenSource();
            using var documents = Toys.Documents(100);
            using var classifier = Toys.Classifier();
            var inner = Toys.TaskOf(classifier);
            var options = s_options with
            {
                MaxRestarts = maxRestarts,
                GradientAccumulation = 1,
                ValidationFraction = 0,
                ClassWeighting = ClassWeighting.None,
                CancellationBehavior = behavior,
            };
            inner.Begin(options, documents, null);
            int batches = 0;
            var kept = new KeptCheckpoints { Interval = int.MaxValue };
            var task = new ScriptedTask(classifier, batch =>
            {
                var loss = inner.Loss(batch);
                if (++batches < 5)
                    return loss;
                canceled.Cancel();
                return loss with { Mean = loss.Mean * double.PositiveInfinity };
            });
            var result = new Trainer(options) { ReadsLate = true, Checkpoints = kept }.Train(task, documents, cancellationToken: canceled.Token);
            Assert.All(Toys.WeightsOf(classifier), weight => Assert.True(double.IsFinite(weight)));
            return (result.Outcome, result.Steps);
        }
    }

    [Fact]
    public void ACanceledTraining_ReportsAllOfItsSteps()
    {
        using var documents = Toys.Documents(120);
        using var classifier = Toys.Classifier();
        using var source = new CancellationTokenSource();
        long last = 0;
        var options = s_options with { CancellationBehavior = CancellationBehavior.KeepBest };
        var result = new Trainer(options) { ReadsLate = true }.Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(now =>
        {
            last = now.Step;
            if (now.Step == 3)
                source.Cancel();
        }), cancellationToken: source.Token);
        Assert.Equal(TrainingOutcome.Canceled, result.Outcome);
        Assert.Equal((4L, 4L), (result.Steps, last));
    }
}
