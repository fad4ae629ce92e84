using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Rows;
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
        double[]? classWeights = ClassWeightsFor(labels);
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
        fitting.RequireMemory(manifest.MinNumWeights());
        var schedule = TrainingOptionsOf(options, fitting.Seed, fitting.Device) with { ClassWeights = classWeights };
        var ngrams = options.NGrams ? FitNGrams(fitting, all, validating, labels.Count, classWeights) : null;
        var (trained, result) = network.Train(schedule, training, validating, labels.Count, needsStep: ngrams is null);
        try
        {
            if (ngrams is null && result.Steps == 0 && fitting.CancellationToken.IsCancellationRequested)
                throw new OperationCanceledException(fitting.CancellationToken);
            manifest = new ClassifierCalibration(fitting, options, validating, ngrams).Fit(manifest, result);
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
            [
                (nameof(options.LabelColumnName), options.LabelColumnName),
                (nameof(options.TextColumnName), options.TextColumnName),
                .. options.ExampleWeightColumnName is { } weight ? [(nameof(options.ExampleWeightColumnName), weight)] : Array.Empty<(string, string)>(),
            ],
            [
                (nameof(options.ScoreColumnName), options.ScoreColumnName),
                .. options is MahaBinaryTextClassificationTrainer.Options binary ? [(probability, binary.ProbabilityColumnName)] : Array.Empty<(string, string)>(),
                (nameof(options.PredictedLabelColumnName), options.PredictedLabelColumnName),
                .. options.Abstention is null ? Array.Empty<(string, string)>() : [(nameof(options.AbstainedColumnName), options.AbstainedColumnName)],
            ]);
        CheckClassWeights(options);
        if (options.Abstention is { NeedsValidation: true } rule && options.ValidationSet is null && options.ValidationFraction == 0)
        {
            throw new ArgumentException(
                $"Abstention must be {nameof(Abstention.Below)} a stated probability where nothing validates, but is {rule}. " +
                "Give a ValidationSet, or a ValidationFraction above 0.", nameof(options.Abstention));
        }
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
        var weights = new List<float>();
        var dataset = TokenizedDataset.FromTexts(
            rows.Select(CollectWeight), network.Tokenizer, fitting.DatasetOptions(network.MaxDocumentTokens) with { KeepTexts = options.NGrams }, fitting.CancellationToken);
        if (texts.NumMissingLabels > 0)
            fitting.Channel.Warning(MessageSensitivity.None, $"{texts.NumMissingLabels} {what} documents have no label, or one that the key column doesn't know, and were left out.");
        fitting.WarnOfCuts(dataset, what, network.MaxDocumentTokens);
        try
        {
            dataset.Weights = DocumentWeights.Normalize(weights);
            RequireDocuments(dataset, texts, what);
            return dataset;
        }
        catch
        {
            dataset.Dispose();
            throw;
        }

        (string Text, int Label) CollectWeight(LabeledText row)
        {
            if (row.Weight is { } weight)
                weights.Add(weight);
            return (row.Text, row.Label);
        }
    }

    private void RequireDocuments(TokenizedDataset dataset, LabeledTexts texts, string what)
    {
        if (dataset.Count > 0)
            return;
        if (texts.NumZeroWeights > 0)
        {
            throw new ArgumentException(
                $"The weights in column '{options.ExampleWeightColumnName}' must not all be 0, but all {texts.NumZeroWeights} {what} rows with a label have the " +
                "weight 0. Look at the column, or leave out ExampleWeightColumnName.");
        }
        throw new InvalidOperationException($"The {what} data must have at least one document with a label, but of {texts.NumMissingLabels} rows none has one. Look at columns '{options.LabelColumnName}' and '{options.TextColumnName}'.");
    }

    private static (ITextDocuments Training, ITextDocuments? Validating) Split(TokenizedDataset documents, double fraction, int seed)
        => fraction > 0 ? DocumentSubset.Split(documents, fraction, seed) : (documents, null);

    private NGramFit FitNGrams(ModelFitting fitting, TokenizedDataset documents, ITokenizedDocuments? validating, int numClasses, double[]? classWeights)
    {
        fitting.Check();
        var rows = validating is DocumentSubset subset ? subset.Rows : [];
        using var known = fitting.Checkpoints?.OpenPart(NGramPart);
        if (known is not null)
            return NGramFit.Load(known, numClasses, ClassifierManifest.CurrentFormat);
        var watch = Stopwatch.StartNew();
        NGramTrainer Fitting(CancellationToken token)
            => new(documents, numClasses, options.ClassWeighting, fitting.Seed, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads(), CancellationToken = token }, classWeights);
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

    private static void CheckClassWeights(MahaClassifierOptions options)
    {
        if (options.ClassWeights is not { } weights)
            return;
        if (options.ClassWeighting != ClassWeighting.None)
        {
            throw new ArgumentException(
                $"ClassWeights must be null with ClassWeighting {options.ClassWeighting}, which chooses the weights itself, but has {weights.Count} of them. " +
                "Leave one of the two out.", nameof(options.ClassWeights));
        }
        foreach (var (label, weight) in weights)
        {
            if (!(weight > 0 && double.IsFinite(weight)))
            {
                string rule = string.Create(CultureInfo.InvariantCulture, $"ClassWeights must be finite and above 0, but '{label}' has {weight}.");
                throw new ArgumentOutOfRangeException(
                    nameof(options.ClassWeights), weight, $"{rule} Leave out the rows of a class that must not count.");
            }
        }
    }

    // The weight of each class; null for equal ones.
    private double[]? ClassWeightsFor(LabelNames labels)
    {
        if (options.ClassWeights is not { Count: > 0 } weights)
            return null;
        string[] unknown = [.. weights.Keys.Except(labels.Names).Order(StringComparer.Ordinal)];
        if (unknown.Length > 0)
        {
            string known = string.Join(", ", labels.Names.Take(10)) + (labels.Count > 10 ? $", ... ({labels.Count})" : "");
            throw new ArgumentException(
                $"ClassWeights must have labels of the data ({known}), but has '{string.Join("', '", unknown)}'. Correct the name, or leave it out.",
                nameof(options.ClassWeights));
        }
        return [.. labels.Names.Select(name => weights.GetValueOrDefault(name, 1))];
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
