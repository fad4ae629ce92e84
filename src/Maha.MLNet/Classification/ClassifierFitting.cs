using Maha.Layers.Attention;
using Maha.Layers.Hierarchies;
using Maha.Layers.Models;
using Maha.Layers.Tokenization;
using Maha.Layers.Training;
using Maha.MLNet.Internal;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>
/// Trains a classifier on the columns of a data view: tokenizer, token ids, network, training loop. The options are only read.
/// </summary>
internal sealed class ClassifierFitting(IHost host, MahaTextTrainerOptions options)
{
    // What a timer can count.
    private static readonly TimeSpan s_longestTime = TimeSpan.FromDays(24);

    private readonly int _seed = options.Seed ?? MLNetInternals.SeedOf(host) ?? 0;

    /// <summary>Trains.</summary>
    /// <param name="documents">What to train on.</param>
    /// <param name="validation">What to validate on; null to set apart a share of the training documents.</param>
    /// <param name="labels">The labels, in the order of the class indices.</param>
    /// <param name="columns">The columns of the transformer.</param>
    public TextClassifier Fit(LabeledTexts documents, LabeledTexts? validation, LabelNames labels, ClassifierColumns columns)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
        using var channel = host.Start("Training");
        var device = Devices.Choose(host);

        void Check()
        {
            if (MLNetInternals.IsCanceled(host))
                cancellation.Cancel();
            cancellation.Token.ThrowIfCancellationRequested();
        }

        var tokenizer = ByteLevelBpeTokenizer.Train(documents.Read(Check).Select(document => document.Text),
            new ByteLevelBpeTokenizerOptions { VocabSize = options.VocabSize }, cancellationToken: cancellation.Token);
        using var training = Tokenize(documents, "training", tokenizer, Check, channel, cancellation.Token);
        CheckClasses(training, labels);
        using var validating = validation is null ? null : Tokenize(validation, "validation", tokenizer, Check, channel, cancellation.Token);

        var manifest = new ClassifierManifest
        {
            FormatVersion = ClassifierManifest.CurrentFormat,
            Model = ModelOptions(tokenizer),
            Columns = columns,
            OverlongDocuments = options.OverlongDocuments,
            LabelType = labels.TypeName,
            Labels = labels.Names,
        };
        MahaSequenceClassifier network;
        using (new RandomStateScope(_seed))
            network = new MahaSequenceClassifier(manifest.Model, labels.Count);
        try
        {
            Train(network, training, validating, labels.Count, device, channel, cancellation);
            return new TextClassifier(manifest, tokenizer, network, device);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Checks the options before any data is read.</summary>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void Check(MahaTextTrainerOptions options)
    {
        const string probability = nameof(MahaBinaryTextClassificationTrainer.Options.ProbabilityColumnName);
        (string Option, string Column)[] read = [(nameof(options.LabelColumnName), options.LabelColumnName), (nameof(options.TextColumnName), options.TextColumnName)];
        (string Option, string Column)[] added =
        [
            (nameof(options.ScoreColumnName), options.ScoreColumnName),
            .. options is MahaBinaryTextClassificationTrainer.Options binary ? [(probability, binary.ProbabilityColumnName)] : Array.Empty<(string, string)>(),
            (nameof(options.PredictedLabelColumnName), options.PredictedLabelColumnName),
        ];
        foreach (var (option, column) in read.Concat(added))
            if (string.IsNullOrEmpty(column))
                throw new ArgumentException($"{option} must name a column, but is {(column is null ? "null" : "empty")}. Leave it out for the default.", option);
        foreach (var same in added.GroupBy(pair => pair.Column).Where(group => group.Count() > 1))
            throw new ArgumentException($"The added columns must have different names, but {string.Join(" and ", same.Select(pair => pair.Option))} are '{same.Key}'. Rename one.", same.Last().Option);
        new ByteLevelBpeTokenizerOptions { VocabSize = options.VocabSize }.Validate();
        if (options.Attention == AttentionKind.MahaReference)
            throw new ArgumentException("Attention must take padding, since documents of different lengths share a batch, but is MahaReference, which attends to padding as the published code does. Choose Maha, the efficient form.", nameof(options.Attention));
        ModelOptionsOf(options, options.VocabSize).Validate();
        CheckLimit(options.MaxSequenceLength, options.OverlongDocuments);
        TrainingOptionsOf(options, 0, CPU).Validate();
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

    private TokenizedDataset Tokenize(LabeledTexts texts, string what, ByteLevelBpeTokenizer tokenizer, Action check, IChannel channel, CancellationToken cancellationToken)
    {
        var dataset = TokenizedDataset.FromTexts(texts.Read(check), tokenizer, new TokenizedDatasetOptions
        {
            MaxDocumentTokens = options.MaxSequenceLength,
            OverlongDocuments = options.OverlongDocuments,
            TemporaryDirectory = MLNetInternals.TempFolderOf(host),
        }, cancellationToken);
        if (texts.NumMissingLabels > 0)
            channel.Warning(MessageSensitivity.None, $"{texts.NumMissingLabels} {what} documents have no label, or one that the key column doesn't know, and were left out.");
        if (dataset.NumTruncatedDocuments > 0)
            channel.Warning(MessageSensitivity.None, $"{dataset.NumTruncatedDocuments} {what} documents have more than {options.MaxSequenceLength} tokens and were cut ({options.OverlongDocuments}); {dataset.NumTruncatedTokens} tokens are not read. Raise MaxSequenceLength to read them.");
        if (dataset.Count > 0)
            return dataset;
        dataset.Dispose();
        throw new InvalidOperationException($"The {what} data must have at least one document with a label, but of {texts.NumMissingLabels} rows none has one. Look at columns '{options.LabelColumnName}' and '{options.TextColumnName}'.");
    }

    private static void CheckClasses(TokenizedDataset documents, LabelNames labels)
    {
        var present = Enumerable.Range(0, documents.Count).Select(documents.LabelOf).Distinct().Take(2).ToList();
        if (present.Count < 2)
            throw new InvalidOperationException($"The training data must have documents of at least two classes, but all {documents.Count} are of class '{labels.Names[present[0]]}'. Add documents of other classes, or look at the label column.");
    }

    private void Train(MahaSequenceClassifier network, TokenizedDataset training, TokenizedDataset? validating, int numClasses, Device device, IChannel channel, CancellationTokenSource cancellation)
    {
        using var entry = host.StartProgressChannel("Maha training");
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
            latest = now;
            options.Progress?.Report(now);
            if (now.Validation is { } metrics)
            {
                channel.Info(MessageSensitivity.None, $"Epoch {now.Epoch} of {now.NumberOfEpochs}: training loss {now.Loss:F4}, validation loss {metrics.Loss:F4}, accuracy {metrics.Accuracy:F4}, macro F1 {metrics.MacroF1:F4}, {now.TokensPerSecond:F0} tokens/s, {now.Elapsed:hh\\:mm\\:ss} elapsed, {now.TimeLeft:hh\\:mm\\:ss} left.");
                for (int layer = 0; layer < (metrics.Layers?.Count ?? 0); layer++)
                    channel.Info(MessageSensitivity.None, $"Layer {layer + 1}: {Describe(metrics.Layers![layer])}.");
            }
            if (MLNetInternals.IsCanceled(host))
                cancellation.Cancel();
        });
        var trainer = new Trainer(TrainingOptionsOf(options, _seed, device));
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellation.Token);
        if (options.MaxTrainingTime is { } limit)
            time.CancelAfter(limit);
        var result = trainer.Train(new SequenceClassificationTask(network, numClasses), training, validating, report, time.Token);
        if (options.CancellationBehavior == CancellationBehavior.Throw)
            cancellation.Token.ThrowIfCancellationRequested(); // the end of the time keeps the best weights, a cancellation does not
        channel.Info(MessageSensitivity.None, $"Training ended: {result.Outcome} after {result.Steps} steps on {result.NumTrainingDocuments} documents; best epoch {result.BestEpoch}.");
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

    private MahaTransformerOptions ModelOptions(ByteLevelBpeTokenizer tokenizer)
    {
        var model = ModelOptionsOf(options, tokenizer.VocabSize);
        return model.Hierarchy == HierarchyKind.Document ? model with { TokenParts = TokenParts.Of(tokenizer) } : model;
    }

    /// <summary>The shape of the model.</summary>
    internal static MahaTransformerOptions ModelOptionsOf(MahaTextTrainerOptions options, int vocabSize)
    {
        var model = new MahaTransformerOptions
        {
            VocabSize = vocabSize,
            MaxSequenceLength = options.MaxSequenceLength,
            Attention = options.Attention,
            Hierarchy = options.Hierarchy,
            Aggregation = options.Aggregation,
            DModel = options.DModel,
            NumHeads = options.NumHeads,
            NumLayers = options.NumLayers,
            CompressionRatio = options.CompressionRatio,
            Window = options.Window,
            Positions = options.Positions,
            Pooling = options.Pooling,
            Dropout = options.Dropout,
        };
        if (options.FeedForwardDim is int width)
            model = model with { FeedForwardDim = width };
        return options.NumScales is int scales ? model with { NumScales = scales } : model;
    }

    /// <summary>How it is trained.</summary>
    internal static TrainingOptions TrainingOptionsOf(MahaTextTrainerOptions options, int seed, Device device) => new()
    {
        NumberOfEpochs = options.NumberOfEpochs,
        LearningRate = options.LearningRate,
        WarmupFraction = options.WarmupFraction,
        WeightDecay = options.WeightDecay,
        MaxGradientNorm = options.MaxGradientNorm,
        TokensPerBatch = options.TokensPerBatch,
        LabelSmoothing = options.LabelSmoothing,
        ClassWeighting = options.ClassWeighting,
        ValidationFraction = options.ValidationFraction,
        EarlyStoppingMetric = options.EarlyStoppingMetric,
        EarlyStoppingPatience = options.EarlyStoppingPatience,
        CancellationBehavior = options.MaxTrainingTime is null ? options.CancellationBehavior : CancellationBehavior.KeepBest,
        Seed = seed,
        Device = device,
    };

    /// <summary>Reports on the training thread, in order; <see cref="Progress{T}"/> would post to a context.</summary>
    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }
}
