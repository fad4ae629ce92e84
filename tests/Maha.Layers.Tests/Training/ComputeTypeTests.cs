using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>Trainings that compute in bfloat16 with float32 weights.</summary>
[Collection(AloneCollection.Name)]
public class ComputeTypeTests
{
    private static readonly TrainingOptions s_options = new()
    {
        NumberOfEpochs = 3,
        TokensPerBatch = 100,
        LearningRate = 0.02,
        Seed = 3,
        ComputeType = ScalarType.BFloat16,
    };

    [Fact]
    public void Classifier_LearnsAsWellAsInFloat32()
    {
        using var documents = Toys.Documents(600);
        using var test = Toys.Documents(300, seed: 2);
        double single = Accuracy(null), mixed = Accuracy(ScalarType.BFloat16);
        Assert.InRange(single, 0.95, 1);
        Assert.InRange(mixed, single - 0.02, 1);

        double Accuracy(ScalarType? computeType)
        {
            using var randomState = new RandomStateScope(1);
            using var classifier = new MahaSequenceClassifier(new MahaTransformerOptions
            {
                VocabSize = Toys.VocabSize,
                MaxSequenceLength = 16,
                DModel = 16,
                NumHeads = 2,
                NumLayers = 1,
                FeedForwardDim = 32,
            }, Toys.NumClasses);
            var task = new SequenceClassificationTask(classifier, Toys.NumClasses);
            var trainer = new Trainer(new TrainingOptions
            {
                NumberOfEpochs = 12,
                TokensPerBatch = 256,
                LearningRate = 0.01,
                EarlyStoppingMetric = ValidationMetric.Accuracy,
                ComputeType = computeType,
            });
            trainer.Train(task, documents);
            return trainer.Evaluate(task, test).Accuracy!.Value;
        }
    }

    [Fact]
    public void UpdatesBelowThePrecisionOfBFloat16_AddUp()
    {
        // The weights are 1, and a step changes them by 1e-6. The next number below 1 in bfloat16 is 1 - 0.004.
        using var documents = Toys.Documents(1000);
        using var model = new Vector(1000);
        var inTraining = new List<double>();
        var task = new ScriptedTask(model, _ =>
        {
            Assert.Equal(ScalarType.BFloat16, model.Weight.dtype);
            using (var value = model.Weight.detach().to(ScalarType.Float32))
                inTraining.Add(value[0].ToDouble());
            return new TaskLoss(model.Weight.sum(), 1);
        });
        var options = s_options with
        {
            NumberOfEpochs = 1,
            TokensPerBatch = 1,
            LearningRate = 1e-6,
            WarmupFraction = 0,
            MinLearningRateFraction = 1,
            WeightDecay = 0,
            ValidationFraction = 0,
        };
        var result = new Trainer(options).Train(task, documents);
        Assert.Equal(1000, result.Steps);
        Assert.All(inTraining, value => Assert.Equal(1, value));
        Assert.Equal(ScalarType.Float32, model.Weight.dtype);
        Assert.All(TestTensors.ToArray(model.Weight), value => Assert.Equal(1 - 1e-3, value, 1e-4));
    }

    [Fact]
    public void Float32_ChangesNothing()
    {
        using var documents = Toys.Documents(120);
        double[] expected = TrainedWeights(documents, s_options with { ComputeType = null });
        Assert.Equal(expected, TrainedWeights(documents, s_options with { ComputeType = ScalarType.Float32 }));
        Assert.NotEqual(expected, TrainedWeights(documents, s_options));
    }

    [Fact]
    public void EqualSeeds_GiveEqualWeights_BitForBit()
    {
        using var documents = Toys.Documents(120);
        double[] first = TrainedWeights(documents, s_options);
        Assert.Equal(first, TrainedWeights(documents, s_options));
        Assert.NotEqual(first, TrainedWeights(documents, s_options with { Seed = 4 }));
    }

    [Fact]
    public void Module_IsInBFloat16DuringTheTraining_AndInFloat32Afterwards()
    {
        using var documents = Toys.Documents(60);
        using var classifier = Toys.Classifier();
        var types = new HashSet<(bool IsTraining, ScalarType Type)>();
        var task = new SequenceClassificationTask(classifier, (ids, mask) =>
        {
            var logits = classifier.call(ids, mask);
            types.Add((classifier.training, logits.dtype));
            return (logits, null);
        }, Toys.NumClasses);
        new Trainer(s_options).Train(task, documents);
        Assert.Equal([(false, ScalarType.BFloat16), (true, ScalarType.BFloat16)], types.Order());
        Assert.All(classifier.parameters(), parameter =>
        {
            Assert.Equal(ScalarType.Float32, parameter.dtype);
            Assert.True(parameter.requires_grad);
            Assert.Null(parameter.grad);
        });
    }

    [Fact]
    public void Loss_IsThatOfTheRoundedWeights_InFloat32()
    {
        using var documents = Toys.Documents(60);
        using var rounded = Toys.Classifier(type: ScalarType.BFloat16);
        var task = Toys.TaskOf(rounded);
        var options = s_options with { NumberOfEpochs = 1, TokensPerBatch = 1 << 20, ValidationFraction = 0 };
        task.Begin(options, documents, null);
        using var scope = NewDisposeScope();
        var expected = task.Loss(TokenBatch.Create(documents, [.. Enumerable.Range(0, documents.Count)], CPU, 1)).Mean;
        Assert.Equal(ScalarType.Float32, expected.dtype);
        using var classifier = Toys.Classifier();
        double first = double.NaN;
        new Trainer(options).Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(report => first = report.Loss));
        Assert.Equal(expected.ToDouble(), first, 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Accumulation_IsOneLargeBatch_UpToTheRoundingOfGradients(int seed)
    {
        using var documents = Toys.Documents(60);
        var large = s_options with { Seed = seed, TokensPerBatch = 1 << 20, ClassWeighting = ClassWeighting.Balanced, ValidationFraction = 0 };
        double[] before = Toys.WeightsOf(Toys.Classifier());
        double[] expected = TrainedWeights(documents, large, dropout: 0);
        double[] actual = TrainedWeights(documents, large with { TokensPerBatch = 40, GradientAccumulation = 1 << 20 }, dropout: 0);
        double moved = Distance(before, expected);
        Assert.True(moved > 0.05);
        Assert.InRange(Distance(expected, actual), 0, 0.2 * moved);
    }

    [Fact]
    public void BestWeights_AreTheMastersOfTheBestEpoch()
    {
        using var documents = Toys.Documents(60);
        double[] afterTwo = TrainedWeights(documents, Constant(2), validation: epoch => 10 - epoch);
        double[] bestOfFour = TrainedWeights(documents, Constant(4), validation: epoch => epoch <= 2 ? 10 - epoch : 20);
        Assert.Equal(afterTwo, bestOfFour);
        Assert.NotEqual(afterTwo, TrainedWeights(documents, Constant(4), validation: epoch => 10 - epoch));
        Assert.Contains(afterTwo, value => value != RoundToBFloat16(value));

        // A constant rate, so that the first epochs do not depend on the number of epochs.
        static TrainingOptions Constant(int epochs) => s_options with
        {
            NumberOfEpochs = epochs,
            WarmupFraction = 0,
            MinLearningRateFraction = 1,
            EarlyStoppingPatience = null,
        };
    }

    [Fact]
    public void Cancellation_LeavesTheMastersOfTheLastStep()
    {
        using var documents = Toys.Documents(200);
        double[] kept = Canceled(CancellationBehavior.KeepBest), thrown = Canceled(CancellationBehavior.Throw);
        Assert.Equal(kept, thrown);
        Assert.Contains(kept, value => value != RoundToBFloat16(value));

        double[] Canceled(CancellationBehavior behavior)
        {
            using var classifier = Toys.Classifier();
            using var source = new CancellationTokenSource();
            long limit = LiveLimit();
            void Train() => new Trainer(s_options with { CancellationBehavior = behavior }).Train(Toys.TaskOf(classifier), documents,
                progress: new AtOnce(report =>
                {
                    if (report.Step == 3)
                        source.Cancel();
                }), cancellationToken: source.Token);
            if (behavior == CancellationBehavior.Throw)
                Assert.ThrowsAny<OperationCanceledException>(Train);
            else
                Train();
            AssertFloat32(classifier);
            TestTensors.AssertLiveAtMost(limit);
            return Toys.WeightsOf(classifier);
        }
    }

    [Fact]
    public void CanceledKeepBest_RestoresTheBestSoFar()
    {
        using var documents = Toys.Documents(60);
        using var source = new CancellationTokenSource();
        var options = s_options with { NumberOfEpochs = 4, CancellationBehavior = CancellationBehavior.KeepBest, EarlyStoppingPatience = null };
        double[] expected = TrainedWeights(documents, options, validation: epoch => epoch == 1 ? 1 : 2);
        double[] actual = TrainedWeights(documents, options, validation: epoch => epoch == 1 ? 1 : 2, progress: new AtOnce(report =>
        {
            if (report.Epoch == 3)
                source.Cancel();
        }), cancellationToken: source.Token);
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Divergence_LeavesTheMastersBeforeTheStep(double bad)
    {
        using var documents = Toys.Documents(100);
        using var classifier = Toys.Classifier();
        double[] before = Toys.WeightsOf(classifier);
        int batches = 0;
        var task = new SequenceClassificationTask(classifier, (ids, mask) =>
            (classifier.call(ids, mask), ++batches == 1 ? tensor(bad, dtype: ScalarType.BFloat16) : null), Toys.NumClasses);
        long limit = LiveLimit();
        Assert.Throws<TrainingDivergedException>(() => new Trainer(s_options).Train(task, documents));
        AssertFloat32(classifier);
        Assert.Equal(before, Toys.WeightsOf(classifier));
        TestTensors.AssertLiveAtMost(limit);
    }

    [Fact]
    public void NonFiniteGradient_IsFound()
    {
        using var documents = Toys.Documents(40);
        using var model = new Vector(10);
        var task = new ScriptedTask(model, _ => new TaskLoss((model.Weight * 0.0).sqrt().sum(), 1));
        var e = Assert.Throws<TrainingDivergedException>(() => new Trainer(s_options).Train(task, documents));
        Assert.Contains("The gradient norm must be finite, but is NaN at step 1 of ", e.Message, StringComparison.Ordinal);
        Assert.All(TestTensors.ToArray(model.Weight), value => Assert.Equal(1, value));
    }

    [Fact]
    public void ExceptionOfATask_LeavesFloat32()
    {
        using var documents = Toys.Documents(40);
        using var classifier = Toys.Classifier();
        double[] before = Toys.WeightsOf(classifier);
        var task = new ScriptedTask(classifier, _ => throw new NotSupportedException());
        Assert.Throws<NotSupportedException>(() => new Trainer(s_options).Train(task, documents));
        AssertFloat32(classifier);
        Assert.Equal(before, Toys.WeightsOf(classifier));
    }

    [Fact]
    public void FrozenParametersAndBuffers_ComputeInBFloat16_AndStay()
    {
        using var documents = Toys.Documents(60);
        using var model = new Vector(10, seed: 5);
        model.Frozen.requires_grad_(false);
        double[] frozen = TestTensors.ToArray(model.Frozen), constant = TestTensors.ToArray(model.Constant), weight = TestTensors.ToArray(model.Weight);
        Assert.NotEqual(frozen.Select(RoundToBFloat16), frozen);
        var types = new HashSet<ScalarType>();
        var task = new ScriptedTask(model, _ =>
        {
            types.UnionWith([model.Frozen.dtype, model.Constant.dtype]);
            return new TaskLoss((model.Weight * model.Frozen + model.Constant).sum(), 1);
        });
        new Trainer(s_options).Train(task, documents);
        Assert.Equal([ScalarType.BFloat16], types);
        AssertFloat32(model);
        Assert.Equal(frozen, TestTensors.ToArray(model.Frozen));
        Assert.Equal(constant, TestTensors.ToArray(model.Constant));
        Assert.NotEqual(weight, TestTensors.ToArray(model.Weight));
        Assert.False(model.Frozen.requires_grad);
        Assert.Equal(7, model.Count.ToInt64());
    }

    [Fact]
    public void BuffersThatTheModuleChanges_KeepTheirNewNumbers()
    {
        using var documents = Toys.Documents(60);
        using var model = new Vector(10, seed: 5);
        var task = new ScriptedTask(model, _ =>
        {
            using (no_grad())
                model.Constant.fill_(3);
            return new TaskLoss(model.Weight.sum() + model.Frozen.sum(), 1);
        });
        new Trainer(s_options).Train(task, documents);
        Assert.Equal(ScalarType.Float32, model.Constant.dtype);
        Assert.All(TestTensors.ToArray(model.Constant), value => Assert.Equal(3, value));
    }

    [Fact]
    public void LiveTensors_StayFlat()
    {
        using var documents = Toys.Documents(120);
        using var classifier = Toys.Classifier(dropout: 0.1);
        long limit = LiveLimit();
        var counts = new List<long>();
        new Trainer(s_options with { NumberOfEpochs = 5, EarlyStoppingPatience = null, GradientAccumulation = 2 }).Train(
            Toys.TaskOf(classifier), documents, progress: new AtOnce(report =>
            {
                if (report.Validation is null && report.Epoch > 1)
                    counts.Add(Tensor.TotalCount);
            }));
        Assert.True(counts.Count > 10);
        Assert.All(counts, count => Assert.InRange(count, 0, counts[0]));
        TestTensors.AssertLiveAtMost(limit);
    }

    [Theory]
    [InlineData(ScalarType.Float64, ScalarType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64, ScalarType.Float32)]
    public void WeightsOfAnotherType_AreRefused(ScalarType weights, ScalarType computeType)
    {
        using var documents = Toys.Documents(40);
        using var classifier = Toys.Classifier(type: weights);
        var e = Assert.Throws<ArgumentException>(() => new Trainer(s_options with { ComputeType = computeType }).Train(Toys.TaskOf(classifier), documents));
        Assert.StartsWith(
            $"The floating-point weights of the module must be Float32 where ComputeType is {computeType}, but 'embedding.weight' is {weights}. " +
            "Convert the module with to(ScalarType.Float32), or use null for ComputeType.", e.Message, StringComparison.Ordinal);
        Assert.All(classifier.parameters(), parameter => Assert.Equal(weights, parameter.dtype));
    }

    [Fact]
    public void SharedParameters_AreRefused()
    {
        using var documents = Toys.Documents(40);
        using var model = new TwoOwners();
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Loss(), 1));
        var e = Assert.Throws<ArgumentException>(() => new Trainer(s_options).Train(task, documents));
        Assert.Contains("Every parameter must belong to one part of the module where ComputeType is BFloat16, but 'weight' of Linear", e.Message,
            StringComparison.Ordinal);
        new Trainer(s_options with { ComputeType = null }).Train(task, documents);
    }

    private static void AssertFloat32(nn.Module module) => Assert.All(
        module.parameters().Concat(module.buffers().Where(buffer => buffer.is_floating_point())), weight => Assert.Equal(ScalarType.Float32, weight.dtype));

    /// <summary>
    /// The number of live tensors plus the number by which the two conversions of a classifier raise TorchSharp's counter: a new Parameter takes
    /// the handle of another tensor, which TorchSharp goes on counting.
    /// </summary>
    private static long LiveLimit()
    {
        using var classifier = Toys.Classifier();
        long before = TestTensors.CountLive();
        classifier.to(ScalarType.BFloat16).to(ScalarType.Float32);
        long counted = TestTensors.CountLive() - before;
        classifier.Dispose();
        return TestTensors.CountLive() + counted;
    }

    private static double RoundToBFloat16(double value)
    {
        using var scope = NewDisposeScope();
        return tensor(value).to(ScalarType.BFloat16).ToDouble();
    }

    private static double Distance(double[] left, double[] right) => Math.Sqrt(left.Zip(right, (a, b) => (a - b) * (a - b)).Sum());

    private static double[] TrainedWeights(
        TokenizedDataset documents, TrainingOptions options, double dropout = 0.3, Func<int, double>? validation = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var classifier = Toys.Classifier(dropout: dropout);
        ITrainingTask task = Toys.TaskOf(classifier);
        if (validation is not null)
        {
            var inner = task;
            int epoch = 0;
            inner.Begin(options, documents, null);
            task = new ScriptedTask(classifier, inner.Loss, () => new ValidationMetrics { Loss = validation(++epoch), Count = 1 });
        }
        new Trainer(options).Train(task, documents, progress: progress, cancellationToken: cancellationToken);
        AssertFloat32(classifier);
        return Toys.WeightsOf(classifier);
    }

    /// <summary>A weight, a second one to freeze, a buffer, and a buffer of integers.</summary>
    private sealed class Vector : nn.Module<Tensor, Tensor>
    {
        public Vector(int size, int seed = 0) : base(nameof(Vector))
        {
            Tensor Values(int from) => seed == 0 ? ones(size) : TestTensors.Random(from, size).to(ScalarType.Float32);
            register_parameter("weight", new Parameter(Values(seed)));
            register_parameter("frozen", new Parameter(Values(seed + 1)));
            register_buffer("constant", Values(seed + 2));
            register_buffer("count", tensor(7L));
        }

        // As registered: a conversion replaces them.
        public Parameter Weight => get_parameter("weight")!;

        public Parameter Frozen => get_parameter("frozen")!;

        public Tensor Constant => get_buffer("constant")!;

        public Tensor Count => get_buffer("count")!;

        public override Tensor forward(Tensor input) => input * Weight;

        protected override void RegisterComponents()
        {
        }
    }

    /// <summary>Two layers with one weight.</summary>
    private sealed class TwoOwners : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _first = nn.Linear(3, 3, hasBias: false);
        private readonly Linear _second = nn.Linear(3, 3, hasBias: false);

        public TwoOwners() : base(nameof(TwoOwners))
        {
            _second.weight = _first.weight;
            register_module("first", _first);
            register_module("second", _second);
        }

        public Tensor Loss() => forward(ones(1, 3)).sum();

        public override Tensor forward(Tensor input) => _second.call(_first.call(input));

        protected override void RegisterComponents()
        {
        }
    }
}
