using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Microsoft.ML;

namespace Maha.MLNet.Classification;

/// <summary>What the trainers of text classifiers share: columns, and what of the model and its training belongs to labels.</summary>
public abstract class MahaClassifierOptions : MahaEstimatorOptions
{
    private protected MahaClassifierOptions() => NumberOfEpochs = null;

    /// <summary>The column of the labels.</summary>
    /// <value>"Label".</value>
    public string LabelColumnName { get; set; } = Defaults.LabelColumnName;

    /// <summary>The column of the documents, of type Text.</summary>
    /// <value>"Text".</value>
    public string TextColumnName { get; set; } = Defaults.TextColumnName;

    /// <summary>The column of the scores that is added.</summary>
    /// <value>"Score".</value>
    public string ScoreColumnName { get; set; } = Defaults.ScoreColumnName;

    /// <summary>The column of the best label that is added.</summary>
    /// <value>"PredictedLabel".</value>
    public string PredictedLabelColumnName { get; set; } = Defaults.PredictedLabelColumnName;

    /// <summary>How the tokens of a document become one vector.</summary>
    /// <value><see cref="PoolingKind.MeanMax"/>: what occurs anywhere in a long document is seen, and how often.</value>
    public PoolingKind Pooling { get; set; } = PoolingKind.MeanMax;

    /// <summary>How much of a label's certainty is spread over all classes in the training loss.</summary>
    /// <value>0. In [0, 1).</value>
    public double LabelSmoothing { get; set; }

    /// <summary>Documents to validate on after every epoch, with the same columns as the training data.</summary>
    /// <value>Null: <see cref="MahaEstimatorOptions.ValidationFraction"/> of the training documents.</value>
    public IDataView? ValidationSet { get; set; }

    /// <summary>What early stopping watches; the weights that were best in it are kept.</summary>
    /// <value><see cref="ValidationMetric.Accuracy"/>.</value>
    public ValidationMetric EarlyStoppingMetric { get; set; } = ValidationMetric.Accuracy;

    /// <summary>How much a document counts in the training loss by its class.</summary>
    /// <value><see cref="ClassWeighting.None"/>.</value>
    public ClassWeighting ClassWeighting { get; set; } = ClassWeighting.None;

    /// <summary>
    /// Whether linear models over n-grams stand beside the network: scores of words and pairs of words, of the document and of its segments, stacked on held-out
    /// folds and added to the network's with weights that are fitted to the validation documents. They learn from few documents, and take seconds.
    /// With more than 32 classes an n-gram has weights only for classes whose documents have it.
    /// </summary>
    /// <value>True; false is the network alone.</value>
    public bool NGrams { get; set; } = true;

    /// <summary>
    /// Whether probabilities are calibrated: one number, the temperature, is fitted to the validation documents after the training and divides
    /// the logits. It changes no predicted label. Ignored without validation, and with <see cref="NGrams"/>, whose fitted weights calibrate already.
    /// </summary>
    /// <value>True.</value>
    public bool CalibrateProbabilities { get; set; } = true;

    /// <summary>
    /// A file to start from: the zip of a chain with one Maha transformer (encoder, classifier or language model), or what <see cref="MahaTransformer.SaveWeights"/> wrote.
    /// Tokenizer and architecture come from it; options of the architecture must be left at their defaults, or agree.
    /// </summary>
    /// <value>Null: random weights. A pretrained model wants a <see cref="MahaEstimatorOptions.LearningRate"/> of about a quarter.</value>
    public string? PretrainedModel { get; set; }

    /// <summary>Each default that the catalog's parameters and the options share, once.</summary>
    internal static class Defaults
    {
        public const string LabelColumnName = "Label";
        public const string TextColumnName = "Text";
        public const string ScoreColumnName = "Score";
        public const string ProbabilityColumnName = "Probability";
        public const string PredictedLabelColumnName = "PredictedLabel";
        public const int MaxSequenceLength = ModelDefaults.MaxSequenceLength;
        public const int DModel = ModelDefaults.DModel;
        public const int NumLayers = ModelDefaults.NumLayers;
        public const double LearningRate = ModelDefaults.LearningRate;
    }
}
