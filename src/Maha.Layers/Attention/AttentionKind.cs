namespace Maha.Layers.Attention;

/// <summary>What mixes the tokens inside a block.</summary>
public enum AttentionKind
{
    /// <summary>Multiscale attention as the published code computes it: full attention at every scale, no masks. For parity; its cost grows with N^2.</summary>
    MahaReference,

    /// <summary>Multiscale attention at linear cost, with masks at every scale.</summary>
    Maha,

    /// <summary>Softmax attention of every token to every token: the standard encoder that everything is measured against.</summary>
    Full,

    /// <summary>Hierarchical attention at linear cost: the weights nearest to full attention that are constant between the parts of a tree over the tokens.</summary>
    Hsa,

    /// <summary>Strictly causal hierarchical attention, which can be decoded token by token.</summary>
    HsaCausal,

    /// <summary>A sliding window with a few global tokens, as in Longformer.</summary>
    Window,
}
