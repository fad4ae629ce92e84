using Maha.Layers.Data;
using Maha.Layers.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>Options, modules and checks of trainings that compute in bfloat16 with float32 weights.</summary>
internal static class MixedPrecision
{
    public static readonly TrainingOptions Options = new()
    {
        NumberOfEpochs = 3,
        TokensPerBatch = 100,
        LearningRate = 0.02,
        Seed = 3,
        ComputeType = ScalarType.BFloat16,
    };

    public static void AssertFloat32(nn.Module module) => Assert.All(
        module.parameters().Concat(module.buffers().Where(buffer => buffer.is_floating_point())), weight => Assert.Equal(ScalarType.Float32, weight.dtype));

    /// <summary>
    /// The number of live tensors plus the number by which the two conversions of a classifier raise TorchSharp's counter: a new Parameter takes
    /// the handle of another tensor, which TorchSharp goes on counting.
    /// </summary>
    public static long LiveLimit()
    {
        using var classifier = Toys.Classifier();
        long before = TestTensors.CountLive();
        classifier.to(ScalarType.BFloat16).to(ScalarType.Float32);
        long counted = TestTensors.CountLive() - before;
        classifier.Dispose();
        return TestTensors.CountLive() + counted;
    }

    public static double RoundToBFloat16(double value)
    {
        using var scope = NewDisposeScope();
        return tensor(value).to(ScalarType.BFloat16).ToDouble();
    }

    public static double Distance(double[] left, double[] right) => Math.Sqrt(left.Zip(right, (a, b) => (a - b) * (a - b)).Sum());

    public static double[] TrainedWeights(
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
}

/// <summary>Two weights, a buffer, and a buffer of integers.</summary>
internal sealed class Vector : nn.Module<Tensor, Tensor>
{
    public Vector(int size, int seed = 0) : base(nameof(Vector))
    {
        Tensor Values(int from) => seed == 0 ? ones(size) : TestTensors.Random(from, size).to(ScalarType.Float32);
        register_parameter("weight", new Parameter(Values(seed)));
        register_parameter("second", new Parameter(Values(seed + 1)));
        register_buffer("constant", Values(seed + 2));
        register_buffer("count", tensor(7L));
    }

    // As registered: a conversion replaces them.
    public Parameter Weight => get_parameter("weight")!;

    public Parameter Second => get_parameter("second")!;

    public Tensor Constant => get_buffer("constant")!;

    public Tensor Count => get_buffer("count")!;

    public override Tensor forward(Tensor input) => input * Weight;

    protected override void RegisterComponents()
    {
    }
}

/// <summary>Two layers with one weight.</summary>
internal sealed class TwoOwners : nn.Module<Tensor, Tensor>
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
