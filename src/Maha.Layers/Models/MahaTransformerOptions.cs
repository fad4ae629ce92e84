using Maha.Layers.Blocks;

namespace Maha.Layers.Models;

/// <summary>The shape of a model: that of its blocks, and what stands around them. The defaults are the paper's settings.</summary>
public sealed record MahaTransformerOptions : MahaBlockOptions
{
    /// <summary>V, the number of token ids.</summary>
    /// <value>No default: it is the tokenizer's. At least 1.</value>
    public required int VocabSize { get; init; }

    /// <summary>L, the number of blocks.</summary>
    /// <value>12. From 1 to 1,000.</value>
    public int NumLayers { get; init; } = 12;

    /// <summary>How a classifier of documents makes one vector of a document's tokens. Ignored by models of tokens.</summary>
    /// <value><see cref="PoolingKind.Mean"/>.</value>
    public PoolingKind Pooling { get; init; } = PoolingKind.Mean;

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        TensorChecks.Known(Pooling, nameof(Pooling));
        TensorChecks.InRange(VocabSize, 1, 1 << 24, nameof(VocabSize), "Give the number of ids of the tokenizer.");
        TensorChecks.InRange(NumLayers, 1, 1000, nameof(NumLayers), "The paper uses 12.");
    }
}
