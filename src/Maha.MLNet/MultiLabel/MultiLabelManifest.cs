using System.Globalization;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.MultiLabel;

// L labels

/// <summary>The description of a saved multi-label classifier: everything but its tokenizer and weights.</summary>
internal sealed record MultiLabelManifest : LabeledManifest
{
    /// <summary>The format version that this library writes, the newest that it reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The format version of the stream of the n-grams: that of classifiers at format 1 of this kind.</summary>
    public const int NGramFormat = 3;

    /// <summary>The columns of the transformer.</summary>
    public required MultiLabelColumns Columns { get; init; }

    /// <summary>The number of most probable labels that are listed; 0 for no such column.</summary>
    public int NumberOfTopLabels { get; init; }

    /// <summary>The weight of the n-grams' log odds; null for a classifier without n-grams.</summary>
    public double? NGrams { get; init; }

    /// <summary>The weight of the network's log odds.</summary>
    public required double Network { get; init; }

    /// <summary>The offsets of the log odds, [L].</summary>
    public required IReadOnlyList<double> Offsets { get; init; }

    /// <summary>The probabilities above which the labels are predicted, [L].</summary>
    public required IReadOnlyList<double> Thresholds { get; init; }

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static MultiLabelManifest Read(Stream stream) => Read<MultiLabelManifest>(stream, CurrentFormat, "multi-label classifier");

    /// <summary>Computes the calibrated log odds of the labels of a document, [L].</summary>
    /// <param name="wide">The log odds of the n-grams, [L]; null without n-grams.</param>
    /// <param name="deep">The logits of the network, [L].</param>
    public float[] Combine(IReadOnlyList<double>? wide, IReadOnlyList<float> deep)
    {
        float[] odds = new float[deep.Count];
        for (int l = 0; l < odds.Length; l++)
            odds[l] = (float)(Offsets[l] + (Network * deep[l]) + (wide is null ? 0 : NGrams!.Value * wide[l]));
        return odds;
    }

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        CheckColumnNames("a classifier", Columns.Text, Columns.Score, Columns.Probability, Columns.PredictedLabels, Columns.TopLabels);
        if (Offsets.Count != Labels.Count || Thresholds.Count != Labels.Count || !Offsets.All(double.IsFinite) || !Thresholds.All(t => t > 0 && t < 1))
        {
            throw new ArgumentException(
                $"A classifier must have one finite offset and one threshold in (0, 1) per label, but the file has {Offsets.Count} and {Thresholds.Count} " +
                $"for {Labels.Count}, or others.");
        }
        if (!(Network >= 0 && double.IsFinite(Network)) || NGrams is { } weight && !(weight >= 0 && double.IsFinite(weight)))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture, $"The weights of n-grams and network must be at least 0, but the file has {NGrams} and {Network}."));
        }
        if (NumberOfTopLabels < 0)
            throw new ArgumentException($"The number of top labels must be at least 0, but the file has {NumberOfTopLabels}.");
    }
}

/// <summary>The columns of a multi-label classifier.</summary>
/// <param name="Label">The labels, which only the training reads.</param>
/// <param name="Text">The text.</param>
/// <param name="Score">The added margins.</param>
/// <param name="Probability">The added probabilities.</param>
/// <param name="PredictedLabels">The added labels above their thresholds.</param>
/// <param name="TopLabels">The added most probable labels.</param>
internal sealed record MultiLabelColumns(string Label, string Text, string Score, string Probability, string PredictedLabels, string TopLabels);
