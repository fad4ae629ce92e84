namespace Maha.Layers.Attention;

/// <summary>The attention that mixes the tokens in a block.</summary>
public enum AttentionKind
{
    /// <summary>
    /// Multiscale attention as in the published code: full attention at every scale, without masks. It is for comparisons; its cost grows with N^2.
    /// </summary>
    MahaReference,

    /// <summary>Multiscale attention at linear cost, with masks at every scale.</summary>
    Maha,

    /// <summary>Softmax attention between all pairs of tokens, as in the standard transformer. Its cost grows with N^2.</summary>
    Full,

    /// <summary>
    /// Hierarchical attention at linear cost: of the attention weights that are constant between the parts of a tree over the tokens, those nearest to full
    /// attention.
    /// </summary>
    Hsa,

    /// <summary>Causal hierarchical attention, which can be decoded token by token.</summary>
    HsaCausal,

    /// <summary>A sliding window with a few global tokens, as in Longformer.</summary>
    Window,
}
