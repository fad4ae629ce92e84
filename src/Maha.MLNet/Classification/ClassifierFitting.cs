using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Schema;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>
/// Trains a classifier on the columns of a data view: tokenizer, token ids, network, training loop. The options are only read.
/// </summary>
internal sealed class ClassifierFitting(IHost host, MahaClassifierOptions options)
{
    private const string Training = "training";

    // Of the time that a limit gives, what is over when the n-grams end; the rest is the network's.
    private const double ShareOfNGrams = 0.75;

    // Two weights need no more documents: this many logits are a second's work.
    private const int MaxFusedLogits = 1 << 22;

    // Of more held-out logits a checkpoint would take gigabytes: the n-grams are then fitted anew.
    private const long MaxHeldOutLogits = 1 << 25;

    private const string NGramPart = "NGrams";

    /// <summary>Trains.</summary>
    /// <param name="documents">What to train on.</param>
    /// <param name="validation">What to validate on; null to set apart a share of the training documents.</param>
    /// <param name="labels">The labels, in the order of the class indices.</param>
    /// <param name="columns">The columns of the transformer.</param>
    /// <param name="format">The kind of the transformer's file.</param>
    public TextClassifier Fit(LabeledTexts documents, LabeledTexts? validation, LabelNames labels, ClassifierColumns columns, ModelFormat format)
    {
        using var fitting = new ModelFitting(host, options);
        try
        {
            return Fit(fitting, documents, validation, labels, columns, format);
        }
        catch (OperationCanceledException canceled) when (options.CancellationBehavior == CancellationBehavior.KeepBest && fitting.CancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The training was canceled before its first step, so that there is no model yet that {nameof(CancellationBehavior.KeepBest)} could keep. Give it more time, or fewer documents.", canceled, canceled.CancellationToken);
        }
    }

    private TextClassifier Fit(ModelFitting fitting, LabeledTexts documents, LabeledTexts? validation, LabelNames labels, ClassifierColumns columns, ModelFormat format)
    {
        fitting.Checkpoints?.RequireSameData("labels", FingerprintOf(labels));
        using var network = ClassifierNetwork.Create(fitting, options, documents.Read(fitting.Check).Select(document => document.Text));
        using var all = Tokenize(fitting, documents, Training, network);
        CheckClasses(all, labels);
        using var given = validation is null ? null : Tokenize(fitting, validation, "validation", network);
        // Apart from each other already here: what is fitted after the training needs the labels of the one, what is fitted before it the texts of the other.
        var (training, validating) = given is null ? Split(all, options.ValidationFraction, fitting.Seed) : (all, given);

        var manifest = new ClassifierManifest
        {
            FormatVersion = ClassifierManifest.CurrentFormat,
            Model = network.Model,
            Windows = network.Windows,
            Columns = columns,
            OverlongDocuments = options.OverlongDocuments,
            LabelType = labels.TypeName,
            Labels = labels.Names,
        };
        var schedule = TrainingOptionsOf(options, fitting.Seed, fitting.Device);
        var ngrams = options.NGrams ? FitNGrams(fitting, all, validating, labels.Count) : null;
        var (trained, result) = network.Train(schedule, training, validating, labels.Count, needsStep: ngrams is null);
        try
        {
            if (ngrams is null && result.Steps == 0 && fitting.CancellationToken.IsCancellationRequested)
                throw new OperationCanceledException(fitting.CancellationToken);
            manifest = Calibrated(manifest, result, ngrams, validating, fitting);
            return fitting.Complete(new TextClassifier(format, new(manifest, network.Tokenizer, trained), ngrams?.Model, fitting.Device));
        }
        catch
        {
            trained.Dispose();
            throw;
        }
    }

    /// <summary>Checks the options before any data is read.</summary>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void Check(MahaClassifierOptions options)
    {
        const string probability = nameof(MahaBinaryTextClassificationTrainer.Options.ProbabilityColumnName);
        AddedColumns.Check(
            [(nameof(options.LabelColumnName), options.LabelColumnName), (nameof(options.TextColumnName), options.TextColumnName)],
            [
                (nameof(options.ScoreColumnName), options.ScoreColumnName),
                .. options is MahaBinaryTextClassificationTrainer.Options binary ? [(probability, binary.ProbabilityColumnName)] : Array.Empty<(string, string)>(),
                (nameof(options.PredictedLabelColumnName), options.PredictedLabelColumnName),
            ]);
        if (options is MahaBinaryTextClassificationTrainer.Options { Threshold: var threshold } && threshold != BinaryThreshold.Half)
        {
            if (!Enum.IsDefined(threshold))
                throw new ArgumentOutOfRangeException(nameof(threshold), $"Threshold must be one of {string.Join(", ", Enum.GetNames<BinaryThreshold>())}, but is {threshold}.");
            if (options.ValidationSet is null && options.ValidationFraction == 0)
                throw new ArgumentException($"Threshold must be {nameof(BinaryThreshold.Half)} where nothing validates, but is {threshold}. Give a ValidationSet, or a ValidationFraction above 0.", nameof(threshold));
        }
        TensorChecks.Probability(options.SegmentLossWeight, nameof(options.SegmentLossWeight));
        TensorChecks.InRange(options.DocumentLayers, 0, 100, nameof(options.DocumentLayers), "Use 0 to decide by the pooled windows.");
        ModelFitting.CheckOptions(options, ModelOptionsOf(options, options.VocabSize), TrainingOptionsOf(options, 0, device: null));
    }

    /// <summary>The shape of the model.</summary>
    internal static MahaTransformerOptions ModelOptionsOf(MahaClassifierOptions options, int vocabSize)
        => options.ToModelOptions(vocabSize) with { Pooling = options.Pooling };

    /// <summary>How it is trained.</summary>
    internal static TrainingOptions TrainingOptionsOf(MahaClassifierOptions options, int seed, Device? device)
        => options.ToTrainingOptions(seed, device) with
        {
            LabelSmoothing = options.LabelSmoothing,
            ClassWeighting = options.ClassWeighting,
            EarlyStoppingMetric = options.EarlyStoppingMetric,
            MinDocumentsPerStep = options.MinDocumentsPerStep ?? 1,
        };

    private TokenizedDataset Tokenize(ModelFitting fitting, LabeledTexts texts, string what, ClassifierNetwork network)
    {
        var classes = new HashSet<int>();
        // Documents to validate on may be of one class, those to train on must not.
        int enough = what == Training ? 2 : 1;
        var rows = fitting.WhileTimeIsLeft(
            texts.Read(fitting.Check), row => classes.Count >= enough || (classes.Add(row.Label) && classes.Count >= enough), $"{what} data");
        var dataset = TokenizedDataset.FromTexts(
            rows, network.Tokenizer, fitting.DatasetOptions(network.MaxDocumentTokens) with { KeepTexts = options.NGrams }, fitting.CancellationToken);
        if (texts.NumMissingLabels > 0)
            fitting.Channel.Warning(MessageSensitivity.None, $"{texts.NumMissingLabels} {what} documents have no label, or one that the key column doesn't know, and were left out.");
        fitting.WarnOfCuts(dataset, what, network.MaxDocumentTokens);
        if (dataset.Count > 0)
            return dataset;
        dataset.Dispose();
        throw new InvalidOperationException($"The {what} data must have at least one document with a label, but of {texts.NumMissingLabels} rows none has one. Look at columns '{options.LabelColumnName}' and '{options.TextColumnName}'.");
    }

    private static (ITextDocuments Training, ITextDocuments? Validating) Split(TokenizedDataset documents, double fraction, int seed)
        => fraction > 0 ? DocumentSubset.Split(documents, fraction, seed) : (documents, null);

    private NGramFit FitNGrams(ModelFitting fitting, TokenizedDataset documents, ITokenizedDocuments? validating, int numClasses)
    {
        fitting.Check();
        var rows = validating is DocumentSubset subset ? subset.Rows : [];
        using var known = fitting.Checkpoints?.OpenPart(NGramPart);
        if (known is not null)
            return NGramFit.Load(known, numClasses, ClassifierManifest.CurrentFormat);
        var watch = Stopwatch.StartNew();
        NGramTrainer Fitting(CancellationToken token)
            => new(documents, numClasses, options.ClassWeighting, fitting.Seed, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads(), CancellationToken = token });
        NGramFit fit;
        try
        {
            fit = Fitting(fitting.Until(ShareOfNGrams)).Fit(rows);
        }
        catch (OperationCanceledException) when (!fitting.CancellationToken.IsCancellationRequested)
        {
            fit = Fitting(fitting.CancellationToken).FitSample(rows);
            fitting.Channel.Warning(MessageSensitivity.None, $"MaxTrainingTime ({options.MaxTrainingTime}) is too short for n-grams of all {documents.Count} documents: they were learned from {fit.NumDocuments}. Give it more time.");
        }
        fitting.Channel.Info(MessageSensitivity.None, $"Fitted linear models over {fit.Model.NumFeatures} n-grams in {watch.Elapsed.TotalSeconds:F1} s.");
        if ((long)rows.Count * numClasses <= MaxHeldOutLogits)
            fitting.Checkpoints?.AddPart(NGramPart, stream => fit.Save(stream, rows));
        return fit;
    }

    /// <summary>Adds what is fitted to the validation documents: the weights of n-grams and network or the temperature, and a binary classifier's threshold.</summary>
    private ClassifierManifest Calibrated(ClassifierManifest manifest, TrainingResult result, NGramFit? ngrams, ITextDocuments? validating, ModelFitting fitting)
    {
        var deep = result.BestValidation?.Logits;
        if (validating is null || deep is null)
        {
            // Of a network that was canceled before anything judged it nothing is known.
            bool isTrained = result.Outcome != TrainingOutcome.Canceled;
            return ngrams is null ? manifest : manifest with { NGrams = isTrained ? LogitFusion.Prior : LogitFusion.Prior with { Deep = 0 } };
        }
        int[] truth = [.. Enumerable.Range(0, validating.Count).Select(validating.LabelOf)];
        // What has begun is ended where the time is over; only a cancellation stops it.
        var cancellation = options.CancellationBehavior == CancellationBehavior.KeepBest ? CancellationToken.None : fitting.CancellationToken;
        var logits = deep;
        if (ngrams is not null)
        {
            var heldOut = new HeldOutNGrams(ngrams, validating);
            manifest = manifest with { NGrams = Fuse(heldOut, deep, truth, cancellation) };
            logits = Each(truth.Length, row => heldOut.Recall(row, manifest.NGrams.Value.Combine(heldOut.Logits(row), deep[row])), cancellation);
        }
        else if (options.CalibrateProbabilities)
        {
            manifest = manifest with { Temperature = TemperatureScaling.Fit(deep, truth) };
        }
        if (options is MahaBinaryTextClassificationTrainer.Options { Threshold: var kind })
        {
            double[] probabilities = [.. logits.Select(row => 1 / (1 + Math.Exp((row[0] - row[1]) / manifest.Temperature)))];
            manifest = manifest with { Threshold = ThresholdSelection.Choose(kind, probabilities, [.. truth.Select(label => label == 1)]) };
        }
        if (manifest.NGrams is { } fusion && ngrams is not null)
        {
            fitting.Channel.Info(MessageSensitivity.None, $"Of the logits, n-grams weigh {fusion.Wide:F3} and the network {fusion.Deep:F3}.");
            bool isUnseen = validating is TokenizedDataset;
            // The n-grams of the model that is returned have learned from documents that were set apart of the training data: what it says of these is more than it would say of new ones.
            var returned = isUnseen || fitting.IsTimeOver() ? logits : Each(truth.Length, row =>
            {
                var text = ngrams.Model.Read(validating.TextOf(row));
                return ngrams.Model.RepeatedTexts.Adjust(fusion.Combine(ngrams.Model.NewTextLogits(text), deep[row]), text.ContentHash);
            }, cancellation);
            string ofOthers = isUnseen ? "" : $"; {Accuracy(logits, truth, manifest.Threshold):F4} with n-grams that have not seen these documents";
            if (isUnseen || !ReferenceEquals(returned, logits))
                fitting.Channel.Info(MessageSensitivity.None, $"The model that is returned has the validation accuracy {Accuracy(returned, truth, manifest.Threshold):F4}{ofOthers}.");
        }
        fitting.Channel.Info(MessageSensitivity.None, $"Fitted to {validating.Count} validation documents: temperature {manifest.Temperature:F3}, threshold {manifest.Threshold:F3}.");
        return manifest;
    }

    private static LogitFusion Fuse(HeldOutNGrams wide, IReadOnlyList<float[]> deep, int[] truth, CancellationToken cancellation)
    {
        int most = Math.Max(1, MaxFusedLogits / deep[0].Length), step = (truth.Length + most - 1) / most;
        int[] rows = [.. Enumerable.Range(0, truth.Length).Where(row => row % step == 0)];
        return LogitFusion.Fit(Each(rows.Length, i => wide.Logits(rows[i]), cancellation), [.. rows.Select(row => deep[row])], [.. rows.Select(row => truth[row])], cancellation);
    }

    private static T[] Each<T>(int count, Func<int, T> of, CancellationToken cancellation)
    {
        var results = new T[count];
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads(), CancellationToken = cancellation }, i => results[i] = of(i));
        return results;
    }

    private static double Accuracy(IReadOnlyList<float[]> logits, int[] labels, double threshold)
    {
        double offset = Math.Log(threshold / (1 - threshold));
        int right = 0;
        for (int i = 0; i < labels.Length; i++)
            right += (offset == 0 ? Array.IndexOf(logits[i], logits[i].Max()) : logits[i][1] - logits[i][0] > offset ? 1 : 0) == labels[i] ? 1 : 0;
        return (double)right / labels.Length;
    }

    /// <summary>What the n-grams say of validation documents that they have not seen.</summary>
    private sealed class HeldOutNGrams(NGramFit fit, ITextDocuments validating)
    {
        private readonly IReadOnlyList<int>? _rows = validating is DocumentSubset subset ? subset.Rows : null;

        public double[] Logits(int row) => _rows is null ? fit.Model.NewTextLogits(Text(row)) : fit.HeldOutLogits(_rows[row]);

        public float[] Recall(int row, float[] logits) => _rows is null
            ? fit.Model.RepeatedTexts.Adjust(logits, Text(row).ContentHash)
            : fit.Model.RepeatedTexts.Adjust(logits, fit.Contents[_rows[row]], (validating.LabelOf(row), fit.Weights?[_rows[row]] ?? 1));

        private NGramText Text(int row) => fit.Model.Read(validating.TextOf(row));
    }

    private static string FingerprintOf(LabelNames labels)
    {
        byte[] names = JsonSerializer.SerializeToUtf8Bytes(labels.Names);
        return $"{labels.Count} of type {labels.TypeName} with SHA-256 {Convert.ToHexStringLower(SHA256.HashData(names))[..16]}";
    }

    private static void CheckClasses(TokenizedDataset documents, LabelNames labels)
    {
        var present = Enumerable.Range(0, documents.Count).Select(documents.LabelOf).Distinct().Take(2).ToList();
        if (present.Count < 2)
            throw new InvalidOperationException($"The training data must have documents of at least two classes, but all {documents.Count} are of class '{labels.Names[present[0]]}'. Add documents of other classes, or look at the label column.");
    }
}
