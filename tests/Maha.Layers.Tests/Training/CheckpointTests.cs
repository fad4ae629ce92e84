using Maha.Layers.Data;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>A training that was ended at any moment goes on from its checkpoint and ends bit-equal to one that was not.</summary>
[Collection(AloneCollection.Name)]
public class CheckpointTests
{
    private static readonly TrainingOptions s_options = new()
    {
        NumberOfEpochs = 4,
        TokensPerBatch = 100,
        GradientAccumulation = 2,
        LearningRate = 0.02,
        Seed = 3,
        ValidationFraction = 0.3,
        EarlyStoppingPatience = null,
    };

    [Theory]
    [InlineData(null, false)]
    [InlineData(ScalarType.BFloat16, false)]
    [InlineData(null, true)]
    [InlineData(ScalarType.BFloat16, true)]
    public void ATrainingThatIsEndedAtAnyBatch_GoesOn_AndEndsTheSame(ScalarType? computeType, bool readsLate)
    {
        var options = s_options with { ComputeType = computeType };
        var expected = Train(options, new KeptCheckpoints());
        if (readsLate)
            AssertSame(expected, Train(options, new KeptCheckpoints(), readsLate: true), 0);
        int ends = 0;
        for (int calls = 1; calls < expected.Calls; calls += 3)
        {
            var kept = new KeptCheckpoints();
            var ended = Train(options, kept, endAt: calls, readsLate);
            Assert.Null(ended.Result);
            var resumed = Train(options, kept, readsLate: readsLate);
            AssertSame(expected, resumed, calls);
            Assert.True(resumed.Calls < expected.Calls || calls <= 2, $"{resumed.Calls} calls after an end at call {calls} of {expected.Calls}");
            ends++;
        }
        Assert.InRange(ends, 8, 1000);
    }

    [Fact]
    public void ATrainingThatIsEndedManyTimes_EndsTheSame()
    {
        var expected = Train(s_options, new KeptCheckpoints());
        var kept = new KeptCheckpoints();
        var random = new Random(5);
        (TrainingResult? Result, double[] Weights, int Calls) last;
        int processes = 0;
        do
        {
            last = Train(s_options, kept, endAt: random.Next(1, 12));
        }
        while (last.Result is null && ++processes < 1000);
        AssertSame(expected, last, 0);
        Assert.InRange(processes, 3, 999);
    }

    [Fact]
    public void AnOlderCheckpoint_ServesAsWell()
    {
        var expected = Train(s_options, new KeptCheckpoints());
        var all = new KeptCheckpoints { Interval = 1 };
        Train(s_options, all);
        Assert.Equal(expected.Result!.Steps, all.Written.Count);
        foreach (byte[] state in all.Written.Where((_, i) => i % 5 == 0))
            AssertSame(expected, Train(s_options, new KeptCheckpoints { Latest = state }), 0);
    }

    [Fact]
    public void Checkpoints_DoNotChangeATraining()
    {
        using var documents = Toys.Documents(60);
        using var classifier = Toys.Classifier(dropout: 0.3);
        new Trainer(s_options).Train(Toys.TaskOf(classifier), documents);
        Assert.Equal(Toys.WeightsOf(classifier), Train(s_options, new KeptCheckpoints { Interval = 2 }).Weights);
    }

    [Fact]
    public void ARestart_IsRemembered()
    {
        // The rate is far too high, so that the training diverges and starts again.
        var options = s_options with { LearningRate = 80, MaxRestarts = 2, NumberOfEpochs = 3 };
        var expected = Train(options, new KeptCheckpoints());
        Assert.NotEqual(0, expected.Result!.NumRestarts);
        for (int calls = 1; calls < expected.Calls; calls += 11)
        {
            var kept = new KeptCheckpoints();
            Assert.Null(Train(options, kept, endAt: calls).Result);
            var resumed = Train(options, kept);
            AssertSame(expected, resumed, calls);
            Assert.Equal(expected.Result.Restarts, resumed.Result!.Restarts);
        }
    }

    [Fact]
    public void TheTimeOfAnEndedTraining_Counts()
    {
        var all = new KeptCheckpoints { Interval = 1 };
        var expected = Train(s_options, all);
        var resumed = Train(s_options, new KeptCheckpoints { Latest = all.Written[^1] });
        var whole = expected.Result!.Duration;
        Assert.True(resumed.Result!.Duration >= TimeSpan.FromTicks(whole.Ticks / 2), $"{resumed.Result.Duration} of {whole}");
    }

    [Fact]
    public void AStateOfAnotherModule_IsRefused_AndNothingLeaks()
    {
        var kept = new KeptCheckpoints();
        Train(s_options, kept, endAt: 9);
        using var documents = Toys.Documents(60);
        using var other = new BagOfTokens(Toys.VocabSize, 9, Toys.NumClasses, 0.3);
        long before = TestTensors.CountLive();
        var e = Assert.Throws<Maha.Layers.Weights.WeightFileException>(
            () => new Trainer(s_options) { Checkpoints = kept }.Train(Toys.TaskOf(other), documents));
        Assert.Contains("embedding.weight", e.Message, StringComparison.Ordinal);
        TestTensors.AssertLiveAtMost(before);
    }

    private static void AssertSame((TrainingResult? Result, double[] Weights, int) expected, (TrainingResult? Result, double[] Weights, int) actual, int ended)
    {
        var (one, other) = (expected.Result!, actual.Result!);
        Assert.NotNull(other);
        Assert.True(expected.Weights.AsSpan().SequenceEqual(actual.Weights), $"The weights differ after an end at call {ended}.");
        Assert.Equal((one.Outcome, one.Steps, one.BestEpoch, one.PriorLoss), (other.Outcome, other.Steps, other.BestEpoch, other.PriorLoss));
        Assert.Equal(one.Epochs.Select(epoch => (epoch.Epoch, epoch.TrainingLoss, epoch.Validation!.Loss, epoch.Validation.Accuracy)),
            other.Epochs.Select(epoch => (epoch.Epoch, epoch.TrainingLoss, epoch.Validation!.Loss, epoch.Validation.Accuracy)));
        Assert.Equal(one.BestValidation!.Logits, other.BestValidation!.Logits);
    }

    // Ends before a batch of training or validation, in the middle of a step too.
    private static (TrainingResult? Result, double[] Weights, int Calls) Train(
        TrainingOptions options, KeptCheckpoints checkpoints, int endAt = int.MaxValue, bool readsLate = false)
    {
        using var documents = Toys.Documents(60);
        using var classifier = Toys.Classifier(dropout: 0.3);
        using var source = new CancellationTokenSource();
        int calls = 0;
        var watched = new WatchedTask(Toys.TaskOf(classifier), () =>
        {
            if (++calls == endAt)
                source.Cancel();
        });
        TrainingResult? result = null;
        try
        {
            result = new Trainer(options) { Checkpoints = checkpoints, ReadsLate = readsLate }.Train(watched, documents, cancellationToken: source.Token);
        }
        catch (OperationCanceledException) when (calls >= endAt)
        {
        }
        return (result, Toys.WeightsOf(classifier), calls);
    }

    private sealed class WatchedTask(ITrainingTask inner, Action onBatch) : ITrainingTask, IPriorTask
    {
        public nn.Module Module => inner.Module;

        public PriorBaseline? Prior => ((IPriorTask)inner).Prior;

        public bool Reports(ValidationMetric metric) => inner.Reports(metric);

        public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments) =>
            inner.Begin(options, trainingDocuments, validationDocuments);

        public TaskLoss Loss(TokenBatch batch)
        {
            onBatch();
            return inner.Loss(batch);
        }

        public IValidationPass BeginValidation() => new Pass(inner.BeginValidation(), onBatch);

        private sealed class Pass(IValidationPass inner, Action onBatch) : IValidationPass
        {
            public void Add(TokenBatch batch)
            {
                onBatch();
                inner.Add(batch);
            }

            public ValidationMetrics Complete() => inner.Complete();
        }
    }
}
