using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Schema;

namespace Maha.MLNet.Classification;

/// <summary>What a saved classifier needs besides its tokenizer and weights.</summary>
internal sealed record ClassifierManifest : ModelManifest
{
    /// <summary>The newest form of the file that this library writes and reads.</summary>
    public const int CurrentFormat = 3;

    /// <summary>The columns of the transformer.</summary>
    public required ClassifierColumns Columns { get; init; }

    /// <summary>The type of a label's value, see <see cref="LabelNames.TypeName"/>.</summary>
    public required string LabelType { get; init; }

    /// <summary>The labels in the order of the scores.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>By what logits are divided before they become probabilities. New in format 2.</summary>
    public double Temperature { get; init; } = TemperatureScaling.None;

    /// <summary>The probability of true above which true is predicted; of binary classifiers. New in format 2.</summary>
    public double Threshold { get; init; } = ThresholdSelection.Half;

    /// <summary>How the logits of the n-grams and of the network become one; null where there are no n-grams. New in format 2; the n-grams' own stream changed in format 3.</summary>
    public LogitFusion? NGrams { get; init; }

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or newer than this library (<see cref="MahaModelVersionException"/>).</exception>
    public static ClassifierManifest Read(Stream stream) => Read<ClassifierManifest>(stream, CurrentFormat, "classifier");

    /// <inheritdoc/>
    public override long MinNumWeights() => base.MinNumWeights() + Labels.Count * (long)Model.DModel;

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        if (Labels.Count < 2 || Labels.Contains(null!))
            throw new ArgumentException($"A classifier must have at least two labels, none of them null, but the file has {Labels.Count}.");
        string?[] added = [Columns.Score, Columns.Probability, Columns.PredictedLabel];
        if (Columns.Text.Length == 0 || added.Any(name => name?.Length == 0))
            throw new ArgumentException("The columns of a classifier must have names, but one is empty.");
        if (!(Temperature > 0 && double.IsFinite(Temperature)) || !(Threshold > 0 && Threshold < 1))
            throw new ArgumentException($"The temperature of a classifier must be above 0 and its threshold in (0, 1), but the file has {Temperature} and {Threshold}.");
        if (NGrams is { } fusion && !(fusion.Wide >= 0 && double.IsFinite(fusion.Wide) && fusion.Deep >= 0 && double.IsFinite(fusion.Deep)))
            throw new ArgumentException($"The weights of n-grams and network must be at least 0, but the file has {fusion.Wide} and {fusion.Deep}.");
        // Reads them once, so that a name that is no value of its type is found here.
        LabelNames.FromFile(LabelType, Labels);
        if (Columns.Probability is not null && (Labels.Count != 2 || LabelType != nameof(Boolean)))
            throw new ArgumentException($"A classifier with a probability column must have the two labels of type Boolean, but the file has {Labels.Count} of type {LabelType}.");
    }
}

/// <summary>The columns of a classifier.</summary>
/// <param name="Label">The label that was trained on.</param>
/// <param name="Text">The text that is read.</param>
/// <param name="Score">The scores that are written.</param>
/// <param name="Probability">The probability that is written; null for more than two classes, where the scores are probabilities.</param>
/// <param name="PredictedLabel">The best label that is written.</param>
internal sealed record ClassifierColumns(string Label, string Text, string Score, string? Probability, string PredictedLabel);
