using System.Globalization;
using System.Text.Json.Serialization;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.Classification;

/// <summary>The description of a saved classifier: everything but its tokenizer and weights.</summary>
internal sealed record ClassifierManifest : LabeledManifest
{
    /// <summary>The format version that this library writes, the newest that it reads.</summary>
    public const int CurrentFormat = 5;

    /// <summary>The columns of the transformer.</summary>
    public required ClassifierColumns Columns { get; init; }

    /// <summary>The temperature, which divides the logits before the softmax. New in format 2.</summary>
    public double Temperature { get; init; } = TemperatureScaling.None;

    /// <summary>The probability of true above which a binary classifier predicts true. New in format 2.</summary>
    public double Threshold { get; init; } = ThresholdSelection.Half;

    /// <summary>The probability of the predicted label below which the classifier abstains; null if it always answers. New in format 5.</summary>
    public double? AbstentionThreshold { get; init; }

    /// <summary>
    /// The weights that combine the logits of n-grams and network; null for a classifier without n-grams. New in format 2. The stream of the n-grams changed
    /// in format 3.
    /// </summary>
    public LogitFusion? NGrams { get; init; }

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    /// <exception cref="InvalidDataException">The labels are not values of their type.</exception>
    public static ClassifierManifest Read(Stream stream) => Read<ClassifierManifest>(stream, CurrentFormat, "classifier");

    /// <summary>Returns the predicted class and its calibrated probability.</summary>
    /// <param name="logits">The logits of a document, [C].</param>
    public (int Label, double Probability) Predict(IReadOnlyList<float> logits)
    {
        if (Columns.Probability is not null)
        {
            double probability = 1 / (1 + Math.Exp((logits[0] - logits[1]) / Temperature));
            return probability > Threshold ? (1, probability) : (0, 1 - probability);
        }
        int best = 0;
        for (int c = 1; c < logits.Count; c++)
            best = logits[c] > logits[best] ? c : best;
        double max = logits[best];
        return (best, 1 / logits.Sum(logit => Math.Exp((logit - max) / Temperature)));
    }

    /// <summary>Returns whether the classifier abstains for a document.</summary>
    /// <param name="logits">The logits of the document, [C].</param>
    public bool Abstains(IReadOnlyList<float> logits) => Predict(logits).Probability < AbstentionThreshold;

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        CheckColumnNames("a classifier", Columns.Text, Columns.Score, Columns.Probability, Columns.PredictedLabel, Columns.Abstained, Columns.Explanation);
        if (!(Temperature > 0 && double.IsFinite(Temperature)) || !(Threshold > 0 && Threshold < 1))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"The temperature of a classifier must be above 0 and its threshold in (0, 1), but the file has {Temperature} and {Threshold}."));
        }
        if (AbstentionThreshold is { } abstention && !(abstention >= 0 && abstention <= 1))
            throw new ArgumentException(FormattableString.Invariant($"The threshold of abstention must lie in [0, 1], but the file has {abstention}."));
        if (NGrams is { } fusion && !(fusion.Wide >= 0 && double.IsFinite(fusion.Wide) && fusion.Deep >= 0 && double.IsFinite(fusion.Deep)))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture, $"The weights of n-grams and network must be at least 0, but the file has {fusion.Wide} and {fusion.Deep}."));
        }
        if (Columns.Probability is not null && (Labels.Count != 2 || LabelType != nameof(Boolean)))
        {
            throw new ArgumentException(
                $"A classifier with a probability column must have the two labels of type Boolean, but the file has {Labels.Count} of type {LabelType}.");
        }
    }
}

/// <summary>The columns of a classifier.</summary>
/// <param name="Label">The label, which only the training reads.</param>
/// <param name="Text">The text.</param>
/// <param name="Score">The added scores.</param>
/// <param name="Probability">The added probability of a binary classifier; null for a multiclass one, whose scores are probabilities.</param>
/// <param name="PredictedLabel">The added label with the highest score.</param>
/// <param name="Abstained">Whether the classifier abstains, which is added to the output if it may. New in format 5.</param>
/// <param name="Explanation">The name of the added columns of the explanation; null for none. New in format 5.</param>
internal sealed record ClassifierColumns(
    string Label, string Text, string Score, string? Probability, string PredictedLabel, string Abstained = MahaSupervisedOptions.Defaults.AbstainedColumnName,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Explanation = null);
