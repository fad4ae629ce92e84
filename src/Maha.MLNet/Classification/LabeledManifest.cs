using Maha.Layers.Models;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Schema;

namespace Maha.MLNet.Classification;

/// <summary>The description of a saved model of texts with labels: everything but its tokenizer and weights.</summary>
internal abstract record LabeledManifest : WindowedManifest
{
    /// <summary>The type of the labels, see <see cref="LabelNames.TypeName"/>.</summary>
    public required string LabelType { get; init; }

    /// <summary>The labels in the order of the scores.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <inheritdoc/>
    public override long MinNumWeights() => MinNumWeights(Model, Windows, Labels.Count);

    /// <summary>Computes a lower bound of the number of weights of a network with labels, within a small factor of it.</summary>
    public static long MinNumWeights(MahaTransformerOptions model, WindowedEncoderOptions? windows, int numLabels) =>
        MinNumWeights(model) + (numLabels * (long)model.DModel) + (windows?.Document is { } document ? MinNumWeights(document with { VocabSize = 1 }) : 0);

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        if (Labels.Count < 2 || Labels.Contains(null!))
            throw new ArgumentException($"A classifier must have at least two labels, none of them null, but the file has {Labels.Count}.");
        // Converted only to check that each is a value of its type.
        LabelNames.FromFile(LabelType, Labels);
    }
}
