using Maha.Layers.Data;
using Maha.Layers.Distributed;
using Maha.Layers.Tests.Training;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Distributed;

/// <summary>Without dropout a training by several processes is that of one process: the same documents in every step, and the sum of their gradients.</summary>
[Collection(AloneCollection.Name)]
public class GroupTrainingTests
{
    private const double Tolerance = 1e-12;

    private static readonly Lock s_generator = new();

    private static readonly TrainingOptions s_options = new()
    {
        NumberOfEpochs = 3,
        TokensPerBatch = 60,
        LearningRate = 0.02,
        Seed = 3,
        ValidationFraction = 0.3,
        EarlyStoppingPatience = null,
    };

    // Losses that are read late are summed in float32.
    private const double LateTolerance = 1e-6;

    public static TheoryData<int, int, int, int, ClassWeighting> Cases => new()
    {
        { 2, 60, 1, 1, ClassWeighting.None },
        { 3, 60, 1, 1, ClassWeighting.None },
        { 2, 60, 3, 1, ClassWeighting.Balanced },
        { 3, 60, 4, 7, ClassWeighting.Balanced },
        { 2, 1, 1, 1, ClassWeighting.None }, // a document per batch: one process has nothing in every step
        { 3, 1, 2, 1, ClassWeighting.Balanced },
        { 2, 10_000, 1, 1, ClassWeighting.None }, // an epoch per batch
        { 5, 60, 2, 1, ClassWeighting.None },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void AGroup_LearnsWhatOneProcessLearns(int size, int tokensPerBatch, int accumulation, int minDocuments, ClassWeighting weighting)
    {
        var options = s_options with
        {
            TokensPerBatch = tokensPerBatch,
            GradientAccumulation = accumulation,
            MinDocumentsPerStep = minDocuments,
            ClassWeighting = weighting,
        };
        var expected = Train(options, group: null);
        foreach (bool readsLate in new[] { false, true })
        {
            double lossTolerance = readsLate ? LateTolerance : Tolerance;
            foreach (var (result, weights) in ThreadGroup.Run(size, group => Train(options, group, readsLate: readsLate)))
            {
                AssertNear(expected.Weights, weights);
                Assert.Equal(expected.Result.Steps, result.Steps);
                Assert.Equal(expected.Result.BestEpoch, result.BestEpoch);
                Assert.All(expected.Result.Epochs.Zip(result.Epochs), pair => Assert.Equal(pair.First.TrainingLoss, pair.Second.TrainingLoss, lossTolerance));
                Assert.All(expected.Result.Epochs.Zip(result.Epochs), pair => Assert.Equal(pair.First.Validation!.Loss, pair.Second.Validation!.Loss, Tolerance));
            }
        }
    }

    [Fact]
    public void AllProcesses_HaveTheSameWeights_BitForBit_WithDropoutToo()
    {
        var results = ThreadGroup.Run(3, group => Train(s_options, group, dropout: 0.3));
        Assert.All(results, result => Assert.Equal(results[0].Weights, result.Weights));
    }

    [Fact]
    public void AllProcesses_StartFromTheWeightsOfTheRoot()
    {
        var expected = Train(s_options, group: null);
        foreach (var (_, weights) in ThreadGroup.Run(2, group => Train(s_options, group, seed: 1 + group.Rank)))
            AssertNear(expected.Weights, weights);
    }

    [Fact]
    public void WeightsOfLowerPrecision_AreThoseOfOneProcess()
    {
        var options = s_options with { ComputeType = ScalarType.BFloat16, NumberOfEpochs = 1 };
        var expected = Train(options, group: null, type: ScalarType.Float32);
        var results = ThreadGroup.Run(2, group => Train(options, group, type: ScalarType.Float32));
        Assert.Equal(results[0].Weights, results[1].Weights);
        // The sums of gradients in bfloat16 depend on how documents share batches.
        AssertNear(expected.Weights, results[0].Weights, 0.05);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALossThatIsNotFinite_InOneProcess_EndsAll(bool readsLate)
    {
        var options = s_options with { LearningRate = 1e200, NumberOfEpochs = 2 };
        int ended = 0;
        ThreadGroup.Run(2, group => Assert.Throws<TrainingDivergedException>(() => Train(options, group, readsLate: readsLate)) is not null
            ? Interlocked.Increment(ref ended) : 0);
        Assert.Equal(2, ended);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ATrainingThatIsNotFinite_RestartsInAll_WhileTheRootWritesCheckpoints(bool readsLate)
    {
        var options = s_options with { LearningRate = 1e200, NumberOfEpochs = 2, MaxRestarts = 2 };
        var kept = new KeptCheckpoints { Interval = 1 };
        int ended = 0;
        ThreadGroup.Run(2, group => Assert.Throws<TrainingDivergedException>(
            () => Train(options, group, readsLate: readsLate, checkpoints: group.IsRoot ? kept : null)) is not null ? Interlocked.Increment(ref ended) : 0);
        Assert.Equal(2, ended);
        Assert.NotEmpty(kept.Written);
    }

    [Theory]
    [InlineData(CancellationBehavior.Throw, false)]
    [InlineData(CancellationBehavior.KeepBest, false)]
    [InlineData(CancellationBehavior.Throw, true)]
    [InlineData(CancellationBehavior.KeepBest, true)]
    public void ACancellation_OfOneProcess_EndsAll(CancellationBehavior behavior, bool readsLate)
    {
        var options = s_options with { CancellationBehavior = behavior, NumberOfEpochs = 1000 };
        string[] outcomes = ThreadGroup.Run(2, group =>
        {
            using var source = new CancellationTokenSource();
            var progress = new AtOnce(now =>
            {
                if (group.Rank == 1 && now.Step == 30)
                    source.Cancel();
            });
            try
            {
                return Train(options, group, readsLate: readsLate, progress: progress, token: source.Token).Result.Outcome.ToString();
            }
            catch (OperationCanceledException)
            {
                return "thrown";
            }
        });
        Assert.All(outcomes, outcome => Assert.Equal(behavior == CancellationBehavior.Throw ? "thrown" : nameof(TrainingOutcome.Canceled), outcome));
    }

    [Theory]
    [InlineData(2, 2, false)]
    [InlineData(2, 3, false)]
    [InlineData(2, 1, false)]
    [InlineData(1, 2, false)]
    [InlineData(2, 3, true)]
    [InlineData(2, 1, true)]
    [InlineData(1, 2, true)]
    public void ACheckpoint_GoesOn_WithAnyNumberOfProcesses(int before, int after, bool readsLate)
    {
        var expected = Train(s_options, group: null);
        var kept = new KeptCheckpoints { Interval = 1 };
        Run(before, kept);
        foreach (byte[] state in kept.Written.Where((_, i) => i % 5 == 2))
        {
            foreach (var (result, weights) in Run(after, new KeptCheckpoints { Latest = state }))
            {
                AssertNear(expected.Weights, weights);
                Assert.Equal(expected.Result.Steps, result.Steps);
            }
        }

        (TrainingResult Result, double[] Weights)[] Run(int size, KeptCheckpoints checkpoints) => size == 1
            ? [Train(s_options, group: null, readsLate: readsLate, checkpoints: checkpoints)]
            : ThreadGroup.Run(size, group => Train(s_options, group, readsLate: readsLate, checkpoints: group.IsRoot ? checkpoints : null));
    }

    private static void AssertNear(double[] expected, double[] actual, double tolerance = Tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = expected.Max(Math.Abs);
        Assert.InRange(expected.Zip(actual, (one, other) => Math.Abs(one - other)).Max(), 0, tolerance * largest);
    }

    // The threads of a group share torch's generator: one after the other draws its first weights, and all have them before one trains.
    private static T Create<T>(ProcessGroup? group, Func<T> create)
    {
        T created;
        lock (s_generator)
            created = create();
        group?.Any(false);
        return created;
    }

    private static (TrainingResult Result, double[] Weights) Train(
        TrainingOptions options, ProcessGroup? group, int seed = 1, double dropout = 0, ScalarType type = ScalarType.Float64,
        bool readsLate = false, KeptCheckpoints? checkpoints = null, IProgress<TrainingProgress>? progress = null, CancellationToken token = default)
    {
        using var documents = Toys.Documents(60);
        using var classifier = Create(group, () => Toys.Classifier(seed, dropout, type));
        var trainer = new Trainer(options) { Group = group, Checkpoints = checkpoints, ReadsLate = readsLate };
        var result = trainer.Train(Toys.TaskOf(classifier), documents, progress: progress, cancellationToken: token);
        return (result, Toys.WeightsOf(classifier));
    }
}
