using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.MultiLabel;

/// <summary>Trains a classifier of documents with any number of labels each.</summary>
/// <param name="host">The host of the estimator.</param>
/// <param name="options">The options.</param>
internal sealed class MultiLabelFitting(IHost host, MahaMultiLabelTextClassificationTrainer.Options options)
    : SupervisedFitting<MultiLabelClassifier>(host, options)
{
    /// <inheritdoc/>
    protected override int NGramFormat => MultiLabelManifest.NGramFormat;

    /// <inheritdoc/>
    protected override bool HaveLabelSets => true;

    /// <inheritdoc cref="SupervisedFitting{TModel}.Fit(Func{Action, LabeledData})"/>
    public new MultiLabelClassifier Fit(Func<Action, LabeledData> bind) => base.Fit(check =>
    {
        var data = bind(check);
        if (data.Labels.Count >= 2)
            return data;
        throw new InvalidOperationException(
            $"The training data must have at least two different labels, but column '{options.LabelColumnName}' has {data.Labels.Count}. " +
            "Look at the label column, or use BinaryClassification for one label.");
    });

    /// <inheritdoc/>
    protected override TrainingOptions TrainingOptionsFor(ModelFitting fitting) =>
        options.ToTrainingOptions(fitting.Seed, fitting.Device) with { MinDocumentsPerStep = options.MinDocumentsPerStep ?? 1 };

    /// <inheritdoc/>
    protected override Func<LabeledText, bool> CreateEnoughCheck(bool isTraining)
    {
        bool hasLabel = !isTraining;
        return row => hasLabel |= row.Labels.Length > 0;
    }

    /// <inheritdoc/>
    protected override DocumentLoss CreateLoss(TokenizedDataset documents, LabelNames labels)
    {
        if (documents.LabelSets!.Any(set => set.Length > 0))
            return new LabelSetLoss(labels.Count);
        throw new InvalidOperationException(
            $"The training data must have documents with labels, but none of the {documents.Count} has one. Look at column '{options.LabelColumnName}'.");
    }

    /// <inheritdoc/>
    protected override MultiLabelClassifier CreateModel(FittedParts fitted)
    {
        int numLabels = fitted.Labels.Count;
        var manifest = new MultiLabelManifest
        {
            FormatVersion = MultiLabelManifest.CurrentFormat,
            Model = fitted.Network.Model,
            Windows = fitted.Network.Windows,
            Columns = new MultiLabelColumns(
                options.LabelColumnName, options.TextColumnName, options.ScoreColumnName, options.ProbabilityColumnName, options.PredictedLabelsColumnName,
                options.TopLabelsColumnName),
            NumberOfTopLabels = Math.Min(options.NumberOfTopLabels, numLabels),
            OverlongDocuments = options.OverlongDocuments,
            LabelType = fitted.Labels.TypeName,
            Labels = fitted.Labels.Names,
            Network = 1,
            Offsets = new double[numLabels],
            Thresholds = [.. Enumerable.Repeat(ThresholdSelection.Half, numLabels)],
        };
        manifest = fitted.Fitting.Choose(
            nameof(MultiLabelCalibration), () => new MultiLabelCalibration(fitted.Fitting, options, fitted.Validating, fitted.NGrams).Fit(manifest, fitted.Result),
            isKept: false);
        return new MultiLabelClassifier(new(manifest, fitted.Network.Tokenizer, fitted.Trained), fitted.NGrams?.Model, fitted.Fitting.Device);
    }

    /// <summary>Checks the options before any data is read.</summary>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void Check(MahaMultiLabelTextClassificationTrainer.Options options)
    {
        TensorChecks.InRange(options.NumberOfTopLabels, 0, int.MaxValue, nameof(options.NumberOfTopLabels), "Use 0 for no column of the most probable labels.");
        if (options.LabelSeparator?.Length == 0)
        {
            throw new ArgumentException(
                "LabelSeparator must have a character, but is empty. Leave it null for a label column that is a vector.", nameof(options.LabelSeparator));
        }
        SupervisedOptions.Check(
            options, options.ToTrainingOptions(0, device: null) with { MinDocumentsPerStep = options.MinDocumentsPerStep ?? 1 },
            [
                (nameof(options.ScoreColumnName), options.ScoreColumnName),
                (nameof(options.ProbabilityColumnName), options.ProbabilityColumnName),
                (nameof(options.PredictedLabelsColumnName), options.PredictedLabelsColumnName),
                (nameof(options.TopLabelsColumnName), options.TopLabelsColumnName),
            ]);
    }
}
