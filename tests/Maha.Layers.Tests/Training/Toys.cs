using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>The mean of the embeddings of a document's tokens, dropout, one linear layer.</summary>
internal sealed class BagOfTokens : nn.Module<Tensor, Tensor?, Tensor>
{
    private readonly Embedding _embedding;
    private readonly Dropout _dropout;
    private readonly Linear _head;

    public BagOfTokens(int vocabSize, int dModel, int numClasses, double dropout = 0) : base(nameof(BagOfTokens))
    {
        _embedding = nn.Embedding(vocabSize, dModel);
        _dropout = nn.Dropout(dropout);
        _head = nn.Linear(dModel, numClasses);
        register_module("embedding", _embedding);
        register_module("dropout", _dropout);
        register_module("head", _head);
    }

    public override Tensor forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var embedded = _embedding.call(tokenIds);
        var isToken = keyPaddingMask is null ? ones(tokenIds.shape, embedded.dtype) : keyPaddingMask.logical_not().to(embedded.dtype);
        var mean = (embedded * isToken.unsqueeze(-1)).sum(1) / isToken.sum(1, keepdim: true).clamp_min(1);
        return _head.call(_dropout.call(mean)).MoveToOuterDisposeScope();
    }

    protected override void RegisterComponents()
    {
    }
}

/// <summary>A model that is a matrix and a bias.</summary>
internal sealed class TwoParameters : nn.Module<Tensor, Tensor>
{
    public TwoParameters() : base(nameof(TwoParameters))
    {
        Weight = new Parameter(ones(2, 3, dtype: ScalarType.Float64));
        Bias = new Parameter(ones(3, dtype: ScalarType.Float64));
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    public double[] Values => TestTensors.ToArray(Weight);

    public override Tensor forward(Tensor input) => input.matmul(Weight) + Bias;

    protected override void RegisterComponents()
    {
    }
}

/// <summary>A task whose loss and metrics are functions that the test gives.</summary>
internal sealed class ScriptedTask(nn.Module module, Func<TokenBatch, TaskLoss> loss, Func<ValidationMetrics>? validation = null,
    Action<TokenBatch>? onValidationBatch = null) : ITrainingTask
{
    public nn.Module Module => module;

    public bool Reports(ValidationMetric metric) => metric != ValidationMetric.MacroF1;

    public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments)
    {
    }

    public TaskLoss Loss(TokenBatch batch) => loss(batch);

    public IValidationPass BeginValidation() => new Pass(validation ?? (() => new ValidationMetrics { Loss = 0, Count = 1 }), onValidationBatch);

    private sealed class Pass(Func<ValidationMetrics> complete, Action<TokenBatch>? onBatch) : IValidationPass
    {
        public void Add(TokenBatch batch) => onBatch?.Invoke(batch);

        public ValidationMetrics Complete() => complete();
    }
}

/// <summary>Passes reports on synchronously, on the thread that reports.</summary>
internal sealed class AtOnce(Action<TrainingProgress> action) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => action(value);
}

internal static class Toys
{
    public const int VocabSize = 23;
    public const int NumClasses = 3;

    /// <summary>Documents of 1 to 16 random tokens; the class is which of the tokens 1, 2 and 3 is in the document.</summary>
    public static TokenizedDataset Documents(int count, int seed = 1, TokenizedDatasetOptions? options = null)
    {
        var random = new Random(seed);
        return TokenizedDataset.FromTokenIds(Enumerable.Range(0, count).Select(_ =>
        {
            int label = random.Next(NumClasses);
            int[] ids = new int[random.Next(1, 17)];
            for (int i = 0; i < ids.Length; i++)
                ids[i] = random.Next(4, VocabSize);
            ids[random.Next(ids.Length)] = 1 + label;
            return (ids, label);
        }), options);
    }

    /// <summary>Creates a small classifier whose initial weights come from a seed.</summary>
    public static BagOfTokens Classifier(int seed = 1, double dropout = 0, ScalarType type = ScalarType.Float32)
    {
        using var randomState = new RandomStateScope(seed);
        return new BagOfTokens(VocabSize, 8, NumClasses, dropout).to(type);
    }

    public static SequenceClassificationTask TaskOf(BagOfTokens classifier) =>
        new(classifier, (ids, mask) => (classifier.call(ids, mask), null), NumClasses);

    public static double[] WeightsOf(nn.Module module) =>
        [.. module.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal).SelectMany(entry => TestTensors.ToArray(entry.Value))];
}

/// <summary>Keeps the states of a training in memory.</summary>
internal sealed class KeptCheckpoints : ITrainingCheckpoints
{
    private int _asked;

    /// <summary>The number of steps between two checkpoints; 0 for one at the end alone.</summary>
    public int Interval { get; init; }

    public byte[]? Latest { get; set; }

    public List<byte[]> Written { get; } = [];

    public bool IsDue => Interval > 0 && ++_asked % Interval == 0;

    public void Save(Action<Stream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        Latest = stream.ToArray();
        Written.Add(Latest);
    }

    public Stream? Open() => Latest is null ? null : new MemoryStream(Latest);

    public void OnResumed(TrainingState state)
    {
    }
}

/// <summary>A new empty folder that is deleted with its files.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("maha-test-").FullName;

    /// <summary>The files in the folder; on Linux also files that were deleted from it and are still open.</summary>
    public int NumFiles
    {
        get
        {
            int open = OperatingSystem.IsLinux()
                ? Directory.GetFiles("/proc/self/fd")
                    .Count(descriptor => new FileInfo(descriptor).LinkTarget?.StartsWith(Path, StringComparison.Ordinal) == true)
                : 0;
            return Directory.GetFiles(Path).Length + open;
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
