using System.Globalization;
using Maha.Layers.Data;
using Maha.Layers.Training;
using Maha.MLNet.Explanation;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>Trains a classifier of documents with one label each.</summary>
/// <param name="host">The host of the estimator.</param>
/// <param name="options">The options.</param>
/// <param name="columns">The columns of the transformer.</param>
/// <param name="format">The kind of the transformer's file.</param>
internal sealed class ClassifierFitting(IHost host, MahaClassifierOptions options, ClassifierColumns columns, ModelFormat format)
    : SupervisedFitting<TextClassifier>(host, options)
{
    /// <inheritdoc/>
    protected override int NGramFormat => ClassifierManifest.CurrentFormat;

    /// <inheritdoc/>
    protected override bool HaveLabelSets => false;

    /// <inheritdoc/>
    protected override ClassWeighting ClassWeighting => options.ClassWeighting;

    /// <summary>Trains.</summary>
    /// <param name="data">What to train on.</param>
    public TextClassifier Fit(LabeledData data) => Fit(_ => data);

    /// <inheritdoc/>
    protected override TrainingOptions TrainingOptionsFor(ModelFitting fitting) => TrainingOptionsOf(options, fitting.Seed, fitting.Device);

    /// <inheritdoc/>
    protected override Func<LabeledText, bool> CreateEnoughCheck(bool isTraining)
    {
        var classes = new HashSet<int>();
        // Documents to validate on may be of one class, those to train on must not.
        int enough = isTraining ? 2 : 1;
        return row => classes.Count >= enough || (classes.Add(row.Labels[0]) && classes.Count >= enough);
    }

    /// <inheritdoc/>
    protected override DocumentLoss CreateLoss(TokenizedDataset documents, LabelNames labels)
    {
        var present = Enumerable.Range(0, documents.Count).Select(documents.LabelOf).Distinct().Take(2).ToList();
        if (present.Count < 2)
        {
            throw new InvalidOperationException(
                $"The training data must have documents of at least two classes, but all {documents.Count} are of class '{labels.Names[present[0]]}'. " +
                "Add documents of other classes, or look at the label column.");
        }
        return new CrossEntropyLoss(labels.Count);
    }

    /// <inheritdoc/>
    protected override TextClassifier CreateModel(FittedParts fitted)
    {
        var manifest = new ClassifierManifest
        {
            FormatVersion = ClassifierManifest.CurrentFormat,
            Model = fitted.Network.Model,
            Windows = fitted.Network.Windows,
            Columns = columns,
            OverlongDocuments = options.OverlongDocuments,
            LabelType = fitted.Labels.TypeName,
            Labels = fitted.Labels.Names,
        };
        manifest = fitted.Fitting.Choose(
            nameof(ClassifierCalibration), () => new ClassifierCalibration(fitted.Fitting, options, fitted.Validating, fitted.NGrams).Fit(manifest, fitted.Result),
            isKept: false);
        return new TextClassifier(format, new(manifest, fitted.Network.Tokenizer, fitted.Trained), fitted.NGrams?.Model, fitted.Fitting.Device);
    }

    /// <summary>Checks the options before any data is read.</summary>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void Check(MahaClassifierOptions options)
    {
        const string probability = nameof(MahaBinaryTextClassificationTrainer.Options.ProbabilityColumnName);
        SupervisedOptions.Check(
            options, TrainingOptionsOf(options, 0, device: null),
            [
                (nameof(options.ScoreColumnName), options.ScoreColumnName),
                .. options is MahaBinaryTextClassificationTrainer.Options binary ? [(probability, binary.ProbabilityColumnName)] : Array.Empty<(string, string)>(),
                (nameof(options.PredictedLabelColumnName), options.PredictedLabelColumnName),
                (nameof(options.AbstainedColumnName), options.AbstainedColumnName),
                .. options.ExplanationColumnName is { } explanation
                    ? ExplanationColumns.Names(explanation).Append(explanation).Select(name => (nameof(options.ExplanationColumnName), name))
                    : Array.Empty<(string, string)>(),
            ]);
        CheckClassWeights(options);
        bool validates = options.ValidationSet is not null || options.ValidationFraction > 0;
        if (options.Abstention is { NeedsValidation: true } rule && !validates)
        {
            throw new ArgumentException(
                $"Abstention must be {nameof(Abstention.Below)} a stated probability where nothing validates, but is {rule}. " +
                "Give a ValidationSet, or a ValidationFraction above 0.", nameof(options.Abstention));
        }
        if (options is not MahaBinaryTextClassificationTrainer.Options { Threshold: var threshold } || threshold == BinaryThreshold.Half)
            return;
        const string option = nameof(MahaBinaryTextClassificationTrainer.Options.Threshold);
        if (!Enum.IsDefined(threshold))
        {
            throw new ArgumentOutOfRangeException(
                option, threshold,
                $"Threshold must be one of {string.Join(", ", Enum.GetNames<BinaryThreshold>())}, but is {threshold}. " +
                "Leave it out for Half, ML.NET's threshold.");
        }
        if (!validates)
        {
            throw new ArgumentException(
                $"Threshold must be {nameof(BinaryThreshold.Half)} where nothing validates, but is {threshold}. " +
                "Give a ValidationSet, or a ValidationFraction above 0.", option);
        }
    }

    /// <summary>How it is trained.</summary>
    internal static TrainingOptions TrainingOptionsOf(MahaClassifierOptions options, int seed, Device? device)
        => options.ToTrainingOptions(seed, device) with
        {
            LabelSmoothing = options.LabelSmoothing,
            ClassWeighting = options.ClassWeighting,
            EarlyStoppingMetric = options.EarlyStoppingMetric,
            MinDocumentsPerStep = options.MinDocumentsPerStep ?? 1,
        };

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

    /// <inheritdoc/>
    protected override double[]? ClassWeightsFor(LabelNames labels)
    {
        if (options.ClassWeights is not { Count: > 0 } weights)
            return null;
        string[] unknown = [.. weights.Keys.Except(labels.Names).Order(StringComparer.Ordinal)];
        if (unknown.Length > 0)
        {
            throw new ArgumentException(
                $"ClassWeights must have labels of the data ({labels.Show()}), but has '{string.Join("', '", unknown)}'. Correct the name, or leave it out.",
                nameof(options.ClassWeights));
        }
        double[] ofLabels = [.. labels.Names.Select(name => weights.GetValueOrDefault(name, 1))];
        var (least, most) = (ofLabels.Min(), ofLabels.Max());
        if (most / least > ClassWeights.MaxRatio)
        {
            string rule = string.Create(
                CultureInfo.InvariantCulture, $"ClassWeights must differ by a factor of at most {ClassWeights.MaxRatio}, but reach from {least} to {most}.");
            throw new ArgumentOutOfRangeException(
                nameof(options.ClassWeights), most,
                $"{rule} A label that is left out has the weight 1. Choose weights nearer to each other, or leave out the rows of a class.");
        }
        return ClassWeights.Scaled(ofLabels);
    }
}
