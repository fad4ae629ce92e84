namespace Maha.Layers.Models;

/// <summary>The way the features of a document's tokens become one vector. Padded tokens are ignored.</summary>
public enum PoolingKind
{
    /// <summary>The mean over the tokens, of width D.</summary>
    Mean,

    /// <summary>The largest value of every channel over the tokens, of width D. A feature of a single token counts, however long the document is.</summary>
    Max,

    /// <summary>The mean and the maximum, concatenated, of width 2D.</summary>
    MeanMax,

    /// <summary>The mean weighted by a learned softmax over the tokens, of width D.</summary>
    Attentive,
}
