using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.Layers.Trees;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Internal;

/// <summary>
/// What the fitting of every model of texts does: seed, device, cancellation, tokenizer, token ids, training with reports. The options are only read.
/// </summary>
internal sealed class ModelFitting : IDisposable
{
    // What a timer can count.
    private static readonly TimeSpan s_longestTime = TimeSpan.FromDays(24);

    private readonly IHost _host;
    private readonly MahaTextModelOptions _options;
    private readonly CancellationTokenSource _cancellation;

    /// <summary>Begins a fitting.</summary>
    public ModelFitting(IHost host, MahaTextModelOptions options)
    {
        _host = host;
        _options = options;
        Seed = options.Seed ?? MLNetInternals.SeedOf(host) ?? 0;
        Device = Devices.Choose(host);
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
        Channel = host.Start("Training");
    }

    /// <summary>The seed of everything.</summary>
    public int Seed { get; }

    /// <summary>Where the model is trained.</summary>
    public Device Device { get; }

    /// <summary>What is said to the user.</summary>
    public IChannel Channel { get; }

    /// <summary>Cancelled with the options' token and with the host.</summary>
    public CancellationToken CancellationToken => _cancellation.Token;

    /// <summary>Ends the channel.</summary>
    public void Dispose()
    {
        Channel.Dispose();
        _cancellation.Dispose();
    }

    /// <summary>Throws where the fitting was cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public void Check()
    {
        if (MLNetInternals.IsCanceled(_host))
            _cancellation.Cancel();
        _cancellation.Token.ThrowIfCancellationRequested();
    }

    /// <summary>Learns a vocabulary.</summary>
    public ByteLevelBpeTokenizer TrainTokenizer(IEnumerable<string> texts)
        => ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = _options.VocabSize }, cancellationToken: _cancellation.Token);

    /// <summary>How documents become token ids.</summary>
    public TokenizedDatasetOptions DatasetOptions(int maxSequenceLength) => new()
    {
        MaxDocumentTokens = maxSequenceLength,
        OverlongDocuments = _options.OverlongDocuments,
        TemporaryDirectory = MLNetInternals.TempFolderOf(_host),
    };

    /// <summary>Warns of documents that were cut.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="what">What they are, for instance "training".</param>
    /// <param name="maxSequenceLength">The limit at which they were cut.</param>
    public void WarnOfCuts(TokenizedDataset documents, string what, int maxSequenceLength)
    {
        if (documents.NumTruncatedDocuments > 0)
            Channel.Warning(MessageSensitivity.None, $"{documents.NumTruncatedDocuments} {what} documents have more than {maxSequenceLength} tokens and were cut ({_options.OverlongDocuments}); {documents.NumTruncatedTokens} tokens are not read. Raise MaxSequenceLength to read them.");
    }

    /// <summary>Builds a network or what holds one, its first weights drawn under the seed.</summary>
    public T Build<T>(Func<T> build)
    {
        using var random = new RandomStateScope(Seed);
        return build();
    }

    /// <summary>Trains the module of a task; reports go to the channel, to the options' progress and to the host.</summary>
    /// <param name="task">What to train, and for what.</param>
    /// <param name="options">How to train.</param>
    /// <param name="training">The documents to learn from.</param>
    /// <param name="validating">The documents to judge by; null to set apart a share of the others.</param>
    public TrainingResult Train(ITrainingTask task, TrainingOptions options, ITokenizedDocuments training, ITokenizedDocuments? validating)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_cancellation.Token);
        var behavior = options.CancellationBehavior;
        if (_options.MaxTrainingTime is not null)
            options = options with { CancellationBehavior = CancellationBehavior.KeepBest };
        using var entry = _host.StartProgressChannel("Maha training");
        TrainingProgress? latest = null;
        entry.SetHeader(new ProgressHeader(["Loss", "Learning rate", "Tokens per second"], ["epochs", "steps"]), progress =>
        {
            if (latest is not { } now)
                return;
            progress.SetProgress(0, now.Epoch, now.NumberOfEpochs);
            progress.SetProgress(1, now.Step, now.TotalSteps);
            progress.SetMetric(0, now.Loss);
            progress.SetMetric(1, now.LearningRate);
            progress.SetMetric(2, now.TokensPerSecond);
        });
        var report = new Report(now =>
        {
            // From the first step on, so that there is a step however short the time.
            if (latest is null && _options.MaxTrainingTime is { } time)
                end.CancelAfter(time);
            latest = now;
            _options.Progress?.Report(now);
            if (now.Validation is { } metrics)
            {
                Channel.Info(MessageSensitivity.None, $"Epoch {now.Epoch} of {now.NumberOfEpochs}: training loss {now.Loss:F4}, validation loss {metrics.Loss:F4}{Optional("accuracy", metrics.Accuracy)}{Optional("macro F1", metrics.MacroF1)}, {now.TokensPerSecond:F0} tokens/s, {now.Elapsed:hh\\:mm\\:ss} elapsed, {now.TimeLeft:hh\\:mm\\:ss} left.");
                for (int layer = 0; layer < (metrics.Layers?.Count ?? 0); layer++)
                    Channel.Info(MessageSensitivity.None, $"Layer {layer + 1}: {Describe(metrics.Layers![layer])}.");
            }
            if (MLNetInternals.IsCanceled(_host))
                _cancellation.Cancel();
        });
        var result = new Trainer(options).Train(task, training, validating, report, end.Token);
        if (behavior == CancellationBehavior.Throw)
            _cancellation.Token.ThrowIfCancellationRequested();
        string best = result.BestEpoch is int epoch ? $"; best epoch {epoch}" : "";
        Channel.Info(MessageSensitivity.None, $"Training ended: {result.Outcome} after {result.Steps} steps on {result.NumTrainingDocuments} documents{best}.");
        return result;
    }

    /// <summary>The shape of the model; what only some models have is for the caller to add.</summary>
    public static MahaTransformerOptions ModelOptionsOf(MahaTextModelOptions options, int vocabSize)
    {
        var model = new MahaTransformerOptions
        {
            VocabSize = vocabSize,
            MaxSequenceLength = options.MaxSequenceLength,
            Attention = options.Attention,
            Hierarchy = options.Hierarchy,
            Branching = options.Branching,
            Aggregation = options.Aggregation,
            DModel = options.DModel,
            NumHeads = options.NumHeads,
            NumLayers = options.NumLayers,
            CompressionRatio = options.CompressionRatio,
            Window = options.Window,
            Positions = options.Positions,
            Dropout = options.Dropout,
        };
        if (options.FeedForwardDim is int width)
            model = model with { FeedForwardDim = width };
        return options.NumScales is int scales ? model with { NumScales = scales } : model;
    }

    /// <summary>Gives a model whose trees are the documents' own what it needs of the tokenizer.</summary>
    public static MahaTransformerOptions WithTokenParts(MahaTransformerOptions model, ByteLevelBpeTokenizer tokenizer)
        => model.Hierarchy == HierarchyKind.Document ? model with { TokenParts = TokenParts.Of(tokenizer) } : model;

    /// <summary>How a model is trained; what only some tasks have is for the caller to add.</summary>
    public static TrainingOptions TrainingOptionsOf(MahaTextModelOptions options, int seed, Device? device) => new()
    {
        NumberOfEpochs = options.NumberOfEpochs ?? MahaTextModelOptions.ModelDefaults.NumberOfEpochs,
        LearningRate = options.LearningRate,
        WarmupFraction = options.WarmupFraction,
        WeightDecay = options.WeightDecay,
        MaxGradientNorm = options.MaxGradientNorm,
        TokensPerBatch = options.TokensPerBatch,
        ValidationFraction = options.ValidationFraction,
        EarlyStoppingPatience = options.EarlyStoppingPatience,
        CancellationBehavior = options.CancellationBehavior,
        Seed = seed,
        Device = device,
    };

    /// <summary>Checks the options that all models share, before any data is read.</summary>
    /// <param name="options">The options.</param>
    /// <param name="model">The shape of the model that they describe.</param>
    /// <param name="training">The training that they describe.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void CheckOptions(MahaTextModelOptions options, MahaTransformerOptions model, TrainingOptions training)
    {
        new ByteLevelBpeTokenizerOptions { VocabSize = options.VocabSize }.Validate();
        if (options.Attention == AttentionKind.MahaReference)
            throw new ArgumentException("Attention must take padding, since documents of different lengths share a batch, but is MahaReference, which attends to padding as the published code does. Choose Maha, the efficient form.", nameof(options.Attention));
        model.Validate();
        CheckLimit(options.MaxSequenceLength, options.OverlongDocuments);
        training.Validate();
        if (options.MaxTrainingTime is { } time && !(time > TimeSpan.Zero && time <= s_longestTime))
            throw new ArgumentOutOfRangeException(nameof(options.MaxTrainingTime), time, $"MaxTrainingTime must be above 0 and at most {s_longestTime.TotalDays:F0} days, but is {time}. Leave it out for no limit.");
    }

    /// <summary>Checks what is kept of long documents.</summary>
    /// <exception cref="ArgumentException">There is no such rule, or not a token for each end.</exception>
    public static void CheckLimit(int maxSequenceLength, OverlongDocuments overlong)
    {
        if (!Enum.IsDefined(overlong))
            throw new ArgumentOutOfRangeException(nameof(overlong), $"OverlongDocuments must be one of {string.Join(", ", Enum.GetNames<OverlongDocuments>())}, but is {overlong}.");
        if (overlong == OverlongDocuments.KeepStartAndEnd && maxSequenceLength < 2)
            throw new ArgumentOutOfRangeException(nameof(maxSequenceLength), $"MaxSequenceLength must be at least 2 where both ends of a document are kept, but is {maxSequenceLength}. Raise it, or choose another of OverlongDocuments.");
    }

    private static string Describe(LayerDiagnostics layer)
    {
        var parts = new List<string>();
        if (layer.MeanScaleWeights is { } weights)
            parts.Add($"scale weights {string.Join(" ", weights.Select(weight => $"{weight:F3}"))}, {layer.Sparsity:P0} of them 0, solver residual {layer.MaxResidual:G2}{(layer.Converged ? "" : " (not converged)")}");
        if (layer.AttentionEntropy is { } entropy)
            parts.Add($"attention entropy {string.Join(" ", entropy.Select(scale => $"{scale:F2}"))} nats");
        return string.Join(", ", parts);
    }

    private static string Optional(string name, double? metric) => metric is double value ? $", {name} {value:F4}" : "";

    /// <summary>Reports on the training thread, in order; <see cref="Progress{T}"/> would post to a context.</summary>
    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }
}
