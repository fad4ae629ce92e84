using System.Diagnostics;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Classification.NGrams;
using Maha.MLNet.Internal;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>
/// Trains a classifier on the columns of a data view: tokenizer, token ids, network, training loop. The options are only read.
/// </summary>
internal sealed class ClassifierFitting(IHost host, MahaTextTrainerOptions options)
{
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
        using var pretrained = options.PretrainedModel is { } path ? PretrainedFile.Open(path) : null;
        pretrained?.Check(options);
        int length = pretrained?.MaxSequenceLengthFor(options) ?? options.MaxSequenceLength;
        var tokenizer = pretrained?.Tokenizer ?? fitting.TrainTokenizer(documents.Read(fitting.Check).Select(document => document.Text));
        using var all = Tokenize(fitting, documents, "training", tokenizer, length);
        CheckClasses(all, labels);
        using var given = validation is null ? null : Tokenize(fitting, validation, "validation", tokenizer, length);
        // Apart from each other already here: what is fitted after the training needs the labels of the one, what is fitted before it the texts of the other.
        var (training, validating) = given is null ? Split(all, options.ValidationFraction, fitting.Seed) : (all, given);

        var manifest = new ClassifierManifest
        {
            FormatVersion = ClassifierManifest.CurrentFormat,
            Model = pretrained is null
                ? ModelFitting.WithTokenParts(ModelOptionsOf(options, tokenizer.VocabSize), tokenizer)
                : pretrained.ModelFor(length) with { Pooling = options.Pooling, Dropout = options.Dropout },
            Columns = columns,
            OverlongDocuments = options.OverlongDocuments,
            LabelType = labels.TypeName,
            Labels = labels.Names,
        };
        var schedule = TrainingOptionsOf(options, fitting.Seed, fitting.Device);
        if (options.NumberOfEpochs is null)
            schedule = schedule with { NumberOfEpochs = AutomaticEpochs(training, schedule.NumberOfEpochs) };
        var ngrams = options.NGrams && labels.Count <= NGramFitting.MaxClasses ? FitNGrams(fitting, all, validating, tokenizer, labels.Count) : null;
        var network = fitting.Build(() => new MahaSequenceClassifier(manifest.Model, labels.Count));
        try
        {
            pretrained?.CopyTo(network.Encoder, network.Pooling);
            var result = fitting.Train(new SequenceClassificationTask(network, labels.Count), schedule, training, validating);
            if (ngrams is null && result.Steps == 0 && fitting.CancellationToken.IsCancellationRequested)
                throw new OperationCanceledException(fitting.CancellationToken);
            return new TextClassifier(format, new(Calibrated(manifest, result, ngrams, validating, fitting.Channel), tokenizer, network), ngrams?.Model, fitting.Device);
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
        PretrainedFile.CheckPath(options.PretrainedModel);
        ModelFitting.CheckOptions(options, ModelOptionsOf(options, options.VocabSize), TrainingOptionsOf(options, 0, device: null));
    }

    /// <summary>The shape of the model.</summary>
    internal static MahaTransformerOptions ModelOptionsOf(MahaTextTrainerOptions options, int vocabSize)
        => ModelFitting.ModelOptionsOf(options, vocabSize) with { Pooling = options.Pooling };

    /// <summary>How it is trained.</summary>
    internal static TrainingOptions TrainingOptionsOf(MahaTextTrainerOptions options, int seed, Device? device)
        => ModelFitting.TrainingOptionsOf(options, seed, device) with
        {
            LabelSmoothing = options.LabelSmoothing,
            ClassWeighting = options.ClassWeighting,
            EarlyStoppingMetric = options.EarlyStoppingMetric,
        };

    private TokenizedDataset Tokenize(ModelFitting fitting, LabeledTexts texts, string what, ByteLevelBpeTokenizer tokenizer, int length)
    {
        var dataset = TokenizedDataset.FromTexts(texts.Read(fitting.Check), tokenizer, fitting.DatasetOptions(length), fitting.CancellationToken);
        if (texts.NumMissingLabels > 0)
            fitting.Channel.Warning(MessageSensitivity.None, $"{texts.NumMissingLabels} {what} documents have no label, or one that the key column doesn't know, and were left out.");
        fitting.WarnOfCuts(dataset, what, length);
        if (dataset.Count > 0)
            return dataset;
        dataset.Dispose();
        throw new InvalidOperationException($"The {what} data must have at least one document with a label, but of {texts.NumMissingLabels} rows none has one. Look at columns '{options.LabelColumnName}' and '{options.TextColumnName}'.");
    }

    private static (ITokenizedDocuments Training, ITokenizedDocuments? Validating) Split(TokenizedDataset documents, double fraction, int seed)
        => fraction > 0 ? DocumentSubset.Split(documents, fraction, seed) : (documents, null);

    // A quarter of an hour on two processor cores. More epochs over more documents would take hours for little: the n-grams know by then most of what many documents tell.
    private static int AutomaticEpochs(ITokenizedDocuments documents, int most)
    {
        const double tokens = 10e6;
        double ofEpoch = Enumerable.Range(0, documents.Count).Sum(row => (double)documents.LengthOf(row));
        return (int)Math.Clamp(Math.Round(tokens / Math.Max(1, ofEpoch)), 1, most);
    }

    private NGramFit FitNGrams(ModelFitting fitting, TokenizedDataset documents, ITokenizedDocuments? validating, ByteLevelBpeTokenizer tokenizer, int numClasses)
    {
        fitting.Check();
        var watch = Stopwatch.StartNew();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads(), CancellationToken = fitting.CancellationToken };
        var fit = new NGramFitting(documents, tokenizer, numClasses, options.ClassWeighting, fitting.Seed, parallel).Fit(validating is DocumentSubset { Rows: var rows } ? rows : []);
        if (validating is TokenizedDataset others)
        {
            var logits = new double[others.Count][];
            Parallel.For(0, logits.Length, parallel, row => logits[row] = fit.Model.Logits(NGramFitting.TextOf(others, tokenizer, row)));
            fit = fit with { HeldOutLogits = logits };
        }
        fitting.Channel.Info(MessageSensitivity.None, $"Fitted linear models over {fit.Model.NumFeatures} n-grams in {watch.Elapsed.TotalSeconds:F1} s.");
        return fit;
    }

    /// <summary>Adds what is fitted to the validation documents: the weights of n-grams and network or the temperature, and a binary classifier's threshold.</summary>
    private ClassifierManifest Calibrated(ClassifierManifest manifest, TrainingResult result, NGramFit? ngrams, ITokenizedDocuments? validating, IChannel channel)
    {
        var deep = result.BestValidation?.Logits;
        if (validating is null || deep is null)
        {
            // Of a network that was canceled before anything judged it nothing is known.
            bool isTrained = result.Outcome != TrainingOutcome.Canceled;
            return ngrams is null ? manifest : manifest with { NGrams = isTrained ? LogitFusion.Prior : LogitFusion.Prior with { Deep = 0 } };
        }
        int[] truth = [.. Enumerable.Range(0, validating.Count).Select(validating.LabelOf)];
        var logits = deep;
        if (ngrams is not null)
        {
            var fusion = LogitFusion.Fit(ngrams.HeldOutLogits, deep, truth);
            manifest = manifest with { NGrams = fusion };
            logits = [.. ngrams.HeldOutLogits.Zip(deep, (wide, network) => fusion.Combine(wide, network))];
            channel.Info(MessageSensitivity.None, $"Of the logits, n-grams weigh {fusion.Wide:F3} and the network {fusion.Deep:F3}; validation accuracy {Accuracy(logits, truth):F4}.");
        }
        else if (options.CalibrateProbabilities)
        {
            manifest = manifest with { Temperature = TemperatureScaling.Fit(logits, truth) };
        }
        if (options is MahaBinaryTextClassificationTrainer.Options { Threshold: var kind })
        {
            double[] probabilities = [.. logits.Select(row => 1 / (1 + Math.Exp((row[0] - row[1]) / manifest.Temperature)))];
            manifest = manifest with { Threshold = ThresholdSelection.Choose(kind, probabilities, [.. truth.Select(label => label == 1)]) };
        }
        channel.Info(MessageSensitivity.None, $"Fitted to {validating.Count} validation documents: temperature {manifest.Temperature:F3}, threshold {manifest.Threshold:F3}.");
        return manifest;
    }

    private static double Accuracy(IReadOnlyList<float[]> logits, int[] labels)
        => logits.Zip(labels).Count(pair => Array.IndexOf(pair.First, pair.First.Max()) == pair.Second) / (double)labels.Length;

    private static void CheckClasses(TokenizedDataset documents, LabelNames labels)
    {
        var present = Enumerable.Range(0, documents.Count).Select(documents.LabelOf).Distinct().Take(2).ToList();
        if (present.Count < 2)
            throw new InvalidOperationException($"The training data must have documents of at least two classes, but all {documents.Count} are of class '{labels.Names[present[0]]}'. Add documents of other classes, or look at the label column.");
    }
}
