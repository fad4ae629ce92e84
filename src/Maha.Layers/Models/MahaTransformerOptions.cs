using System.Text.Json.Serialization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;

namespace Maha.Layers.Models;

/// <summary>The shape of a model: that of its blocks, and of the layers around them. The defaults are the paper's settings.</summary>
[JsonConverter(typeof(MahaTransformerOptionsConverter))]
public sealed record MahaTransformerOptions : MahaBlockOptions
{
    /// <summary>V, the number of token ids.</summary>
    /// <value>No default: it is the tokenizer's. From 1 to 16,777,216.</value>
    [OptionRange(1, 1 << 24, "Give the number of ids of the tokenizer.")]
    public required int VocabSize { get; init; }

    /// <summary>L, the number of blocks.</summary>
    /// <value>12. From 1 to 1,000.</value>
    [OptionRange(1, 1000, "The paper uses 12.")]
    public int NumLayers { get; init; } = 12;

    /// <summary>How a classifier of documents combines the vectors of a document's tokens into one. Models of tokens have no pooling.</summary>
    /// <value><see cref="PoolingKind.Mean"/>.</value>
    public PoolingKind Pooling { get; init; } = PoolingKind.Mean;

    /// <summary>Whether a norm follows the embeddings, as in BERT.</summary>
    /// <value>False.</value>
    public bool EmbeddingNorm { get; init; }

    /// <summary>Whether a norm follows the last block.</summary>
    /// <value>True; BERT has none.</value>
    public bool FinalNorm { get; init; } = true;

    /// <summary>The attention of each layer, the first layer first, where layers differ.</summary>
    /// <value>Null: <see cref="MahaBlockOptions.Attention"/> in all layers. As many as there are layers.</value>
    public IReadOnlyList<AttentionOptions>? LayerAttention { get; init; }

    /// <summary>What each token of the vocabulary means for sentences and paragraphs, so that the model builds the documents' trees from their token ids.</summary>
    /// <value>Null: with <see cref="HierarchyKind.Document"/> every batch brings its trees. From <see cref="Trees.TokenParts.FromTokenizer"/>.</value>
    public byte[]? TokenParts { get; init; }

    /// <summary>Whether a layer attends over the documents' own trees.</summary>
    internal bool UsesDocumentTrees => (LayerAttention ?? [Attention]).Any(attention => attention is HsaOptions { Hierarchy: HierarchyKind.Document });

    /// <summary>The shape of one block.</summary>
    internal MahaBlockOptions OfLayer(int layer) => this with { Attention = LayerAttention is null ? Attention : LayerAttention[layer], LayerAttention = null };

    /// <summary>The same shape for documents up to another length: what the length decides where it is left out stays as it is.</summary>
    internal MahaTransformerOptions WithMaxSequenceLength(int maxSequenceLength) => WithExplicitDefaults() with { MaxSequenceLength = maxSequenceLength };

    /// <summary>The same shape with the options written out that are computed from others where they are left out.</summary>
    internal MahaTransformerOptions WithExplicitDefaults()
    {
        return this with { FeedForwardDim = FeedForwardDim, Attention = Explicit(Attention), LayerAttention = LayerAttention?.Select(Explicit).ToArray() };

        AttentionOptions Explicit(AttentionOptions attention) => attention is MultiscaleOptions scales ? scales with { NumScales = scales.CountScales(MaxSequenceLength) } : attention;
    }

    /// <summary>
    /// Returns all options by name: those of the model, and beside them those of its attention and of its aggregation, which themselves are named by their kinds.
    /// A layer of its own is such a dictionary, too.
    /// </summary>
    internal Dictionary<string, object?> Flatten()
    {
        var values = new Dictionary<string, object?>();
        AddOptions(this, values);
        return values;
    }

    private static void AddOptions(object record, Dictionary<string, object?> values)
    {
        foreach (var option in OptionChecks.Of(record.GetType()))
            AddOption(option.Name, option.GetValue(record), values);
    }

    private static void AddOption(string name, object? value, Dictionary<string, object?> values)
    {
        switch (value)
        {
            case AttentionOptions attention:
                values[name] = attention.Kind;
                AddOptions(attention, values);
                break;
            case AggregationOptions aggregation:
                values[name] = aggregation.Kind;
                AddOptions(aggregation, values);
                break;
            case IReadOnlyList<AttentionOptions> layers:
                values[name] = layers.Select(layer =>
                {
                    var own = new Dictionary<string, object?>();
                    AddOption(nameof(Attention), layer, own);
                    return own;
                }).ToList();
                break;
            default:
                values[name] = value;
                break;
        }
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        if (LayerAttention is not null && LayerAttention.Count != NumLayers)
            throw new ArgumentException($"LayerAttention must name the attention of every layer, but names {LayerAttention.Count} for {NumLayers}. Leave it null where all layers are alike.", nameof(LayerAttention));
        if (TokenParts is not null && UsesDocumentTrees && TokenParts.Length != VocabSize)
            throw new ArgumentException($"TokenParts must have a flag for every token of the vocabulary, but has {TokenParts.Length} for {VocabSize}. Make it from the model's own tokenizer.", nameof(TokenParts));
        foreach (var attention in LayerAttention ?? [])
        {
            ArgumentNullException.ThrowIfNull(attention, nameof(LayerAttention));
            attention.Validate(this);
        }
    }
}
