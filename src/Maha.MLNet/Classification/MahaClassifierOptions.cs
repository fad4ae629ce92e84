using System.Collections.Frozen;
using Maha.Layers.Data;
using Maha.Layers.Training;

namespace Maha.MLNet.Classification;

/// <summary>The options that the trainers of text classifiers with one label per document share.</summary>
public abstract class MahaClassifierOptions : MahaSupervisedOptions
{
    private IReadOnlyDictionary<string, double>? _classWeights;

    private protected MahaClassifierOptions()
    {
    }

    /// <summary>The name of the added column of the predicted label.</summary>
    /// <value>"PredictedLabel".</value>
    public string PredictedLabelColumnName { get; set; } = Defaults.PredictedLabelColumnName;

    /// <summary>
    /// The name of the added columns that explain the predicted label: the spans of the text that speak for and against it, see
    /// <see cref="Explanation.TextExplanation.Spans"/>. With the name <c>Explanation</c> they are <c>Explanation.Start</c> and <c>Explanation.Length</c>
    /// (variable vectors of Int32) and <c>Explanation.Contribution</c> (a variable vector of Single), with one element per span.
    /// </summary>
    /// <value>
    /// Null: no such columns. A row is explained when one of the columns is read, with the default <see cref="Explanation.ExplanationOptions"/>: it costs up to
    /// 33 predictions of the network. Columns that are not read cost nothing.
    /// </value>
    public string? ExplanationColumnName { get; set; }

    /// <summary>The fraction of the probability of the right class that the training loss spreads over all classes.</summary>
    /// <value>0. In [0, 1).</value>
    public double LabelSmoothing { get; set; }

    /// <summary>The metric of early stopping. The weights with the best value are kept.</summary>
    /// <value><see cref="ValidationMetric.Accuracy"/>.</value>
    public ValidationMetric EarlyStoppingMetric { get; set; } = ValidationMetric.Accuracy;

    /// <summary>The weight of a document in the training loss, by its class.</summary>
    /// <value><see cref="ClassWeighting.None"/>.</value>
    public ClassWeighting ClassWeighting { get; set; } = ClassWeighting.None;

    /// <summary>
    /// The weights of documents in the training loss by their label, which multiply their own weights. The labels are texts, as
    /// <see cref="MahaTextClassificationTransformer.Labels"/> has them; of a binary classifier they are "True" and "False". A label that is left out has the
    /// weight 1. Only the ratios of the weights matter. Validation counts every class as it comes.
    /// </summary>
    /// <value>
    /// Null: all labels have the same weight. Weights above 0 and finite, whose ratios are at most 1e30. Not together with
    /// <see cref="ClassWeighting.Balanced"/>, which chooses them by the number of documents.
    /// </value>
    public IReadOnlyDictionary<string, double>? ClassWeights
    {
        get => _classWeights;
        // A copy, so that later changes by the caller have no effect.
        set => _classWeights = value?.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>
    /// The rule by which the classifier abstains. With one, the transformer adds a column, <see cref="AbstainedColumnName"/>, which is true where the calibrated
    /// probability of the predicted label is below the threshold. The predicted label stays the most probable one. A binary classifier's predicted label
    /// follows its <see cref="MahaBinaryTextClassificationTrainer.Options.Threshold"/>.
    /// </summary>
    /// <value>Null: the classifier always answers. A rule other than <see cref="Abstention.Below"/> needs validation documents.</value>
    public Abstention? Abstention { get; set; }

    /// <summary>The name of the added Boolean column that says whether the classifier abstains.</summary>
    /// <value>"Abstained". Applies with <see cref="Abstention"/>.</value>
    public string AbstainedColumnName { get; set; } = Defaults.AbstainedColumnName;

    /// <summary>
    /// Whether probabilities are calibrated: one number, the temperature, is fitted to the validation documents after the training and divides the logits. It
    /// changes no predicted label. Applies to training with validation and without <see cref="MahaSupervisedOptions.NGrams"/>, whose fitted weights already calibrate.
    /// </summary>
    /// <value>True.</value>
    public bool CalibrateProbabilities { get; set; } = true;
}
