using Maha.Layers.Data;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class CancellationTests
{
    private static readonly TrainingOptions s_options = new() { NumberOfEpochs = 6, TokensPerBatch = 60, ValidationFraction = 0.3 };

    [Fact]
    public void Training_StopsBeforeTheNextBatch_AndLeavesNothing()
    {
        using var folder = new TemporaryFolder();
        using var classifier = Toys.Classifier();
        long before = TestTensors.CountLive();
        using var source = new CancellationTokenSource();
        long steps = 0;
        double[] atCancellation = [];
        using (var documents = Toys.Documents(2000, options: new TokenizedDatasetOptions { MaxBytesInMemory = 0, TemporaryDirectory = folder.Path }))
        {
            Assert.Equal(1, folder.NumFiles);
            using var randomStateBefore = random.get_rng_state();
            Assert.ThrowsAny<OperationCanceledException>(() => new Trainer(s_options).Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(report =>
            {
                steps = report.Step;
                if (steps == 5)
                {
                    atCancellation = Toys.WeightsOf(classifier);
                    source.Cancel();
                }
            }), cancellationToken: source.Token));
            using var randomStateAfter = random.get_rng_state();
            Assert.Equal(randomStateBefore.data<byte>().ToArray(), randomStateAfter.data<byte>().ToArray());
        }
        Assert.Equal(5, steps);
        Assert.Equal(atCancellation, Toys.WeightsOf(classifier));
        Assert.Equal(0, folder.NumFiles);
        TestTensors.AssertLiveAtMost(before);
        Assert.All(classifier.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void AccumulatedBatches_AreDropped()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(200);
        using var source = new CancellationTokenSource();
        int batches = 0;
        double[] before = model.Values;
        var task = new ScriptedTask(model, _ =>
        {
            if (++batches == 3)
                source.Cancel();
            return new TaskLoss(model.Weight.sum(), 1);
        });
        Assert.ThrowsAny<OperationCanceledException>(() => new Trainer(s_options with { GradientAccumulation = 10 }).Train(task, documents,
            cancellationToken: source.Token));
        Assert.Equal(3, batches);
        Assert.Equal(before, model.Values);
        Assert.Null(model.Weight.grad);
    }

    [Fact]
    public void Validation_StopsBeforeTheNextBatch()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(200);
        using var source = new CancellationTokenSource();
        int batches = 0;
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1), onValidationBatch: _ =>
        {
            if (++batches == 2)
                source.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(() => new Trainer(s_options).Train(task, documents, cancellationToken: source.Token));
        Assert.Equal(2, batches);
    }

    [Fact]
    public void CanceledBefore_DoesNothing()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(20);
        var task = new ScriptedTask(model, _ => throw new InvalidOperationException("no batch may be made"));
        Assert.ThrowsAny<OperationCanceledException>(() => new Trainer(s_options).Train(task, documents, cancellationToken: new CancellationToken(true)));
    }

    [Fact]
    public void KeepBest_RestoresTheBestSoFar()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(200);
        using var source = new CancellationTokenSource();
        double[] script = [3, 1, 2];
        var atValidation = new List<double[]>();
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1), () =>
        {
            double loss = script[atValidation.Count];
            atValidation.Add(model.Values);
            return new ValidationMetrics { Loss = loss, Count = 1 };
        });
        var result = new Trainer(s_options with { CancellationBehavior = CancellationBehavior.KeepBest }).Train(task, documents, progress: new AtOnce(report =>
        {
            if (report.Epoch == 4)
                source.Cancel();
        }), cancellationToken: source.Token);
        Assert.Equal(TrainingOutcome.Canceled, result.Outcome);
        Assert.Equal(3, result.Epochs.Count);
        Assert.Equal(2, result.BestEpoch);
        Assert.Equal(atValidation[1], model.Values);
    }

    [Fact]
    public void KeepBest_BeforeTheFirstValidation_KeepsTheLastStep()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(200);
        using var source = new CancellationTokenSource();
        double[] last = [];
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1));
        var result = new Trainer(s_options with { CancellationBehavior = CancellationBehavior.KeepBest }).Train(task, documents, progress: new AtOnce(report =>
        {
            last = model.Values;
            if (report.Step == 3)
                source.Cancel();
        }), cancellationToken: source.Token);
        Assert.Equal((TrainingOutcome.Canceled, 3L, null), (result.Outcome, result.Steps, result.BestEpoch));
        Assert.Empty(result.Epochs);
        Assert.Equal(last, model.Values);
        Assert.NotEqual(1, last[0]);
    }

    [Fact]
    public void KeepBest_DoesNotSwallowTheCancellationOfOthers()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(20);
        var task = new ScriptedTask(model, _ => throw new OperationCanceledException("not the trainer's"));
        Assert.Throws<OperationCanceledException>(() =>
            new Trainer(s_options with { CancellationBehavior = CancellationBehavior.KeepBest }).Train(task, documents));
    }
}
