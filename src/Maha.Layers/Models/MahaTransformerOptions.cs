using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;


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

    /// <summary>Whether a norm stands behind the embeddings, as in BERT.</summary>
    /// <value>False.</value>
    public bool EmbeddingNorm { get; init; }

    /// <summary>Whether a norm stands behind the last block.</summary>
    /// <value>True; BERT has none.</value>
    public bool FinalNorm { get; init; } = true;

    /// <summary>What mixes the tokens in each layer, the first layer first, where layers differ.</summary>
    /// <value>Null: <see cref="MahaBlockOptions.Attention"/> in all layers. As many as there are layers.</value>
    public IReadOnlyList<AttentionKind>? LayerAttention { get; init; }

    /// <summary>What each token of the vocabulary means for sentences and paragraphs, so that the model builds the documents' trees from their token ids.</summary>
    /// <value>Null: where <see cref="MahaBlockOptions.Hierarchy"/> is Document every batch brings its trees. From <see cref="Trees.TokenParts.Of"/>; ignored where Hierarchy is Blocks.</value>
    public byte[]? TokenParts { get; init; }

    /// <summary>The shape of one block.</summary>
    internal MahaBlockOptions OfLayer(int layer)
    {
        var attention = LayerAttention is null ? Attention : LayerAttention[layer];
        var options = this with { Attention = attention, LayerAttention = null };
        return options.IsCausalTree ? options : options with { Overlap = false };
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        if (LayerAttention is not null && LayerAttention.Count != NumLayers)
            throw new ArgumentException($"LayerAttention must name as many kinds as there are layers, but names {LayerAttention.Count} for {NumLayers}. Leave it null where all layers are alike.", nameof(LayerAttention));
        if (TokenParts is not null && Hierarchy == HierarchyKind.Document && TokenParts.Length != VocabSize)
            throw new ArgumentException($"TokenParts must have a flag for every token of the vocabulary, but has {TokenParts.Length} for {VocabSize}. Make it from the model's own tokenizer.", nameof(TokenParts));
        if (LayerAttention is not null)
        {
            for (int layer = 0; layer < NumLayers; layer++)
                OfLayer(layer).Validate();
        }
        base.Validate();
        TensorChecks.Known(Pooling, nameof(Pooling));
        TensorChecks.InRange(VocabSize, 1, 1 << 24, nameof(VocabSize), "Give the number of ids of the tokenizer.");
        TensorChecks.InRange(NumLayers, 1, 1000, nameof(NumLayers), "The paper uses 12.");
    }
}
