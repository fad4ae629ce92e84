namespace Maha.Layers.Models;

/// <summary>How the features of a document's tokens become one vector.</summary>
public enum PoolingKind
{
    /// <summary>The mean over the document's own tokens, of width D.</summary>
    Mean,

    /// <summary>The largest value of every channel over the document's own tokens, of width D: what occurs anywhere is seen, however long the document.</summary>
    Max,

    /// <summary>Mean and maximum side by side, of width 2D.</summary>
    MeanMax,

    /// <summary>A learned softmax over the document's own tokens, of width D.</summary>
    Attentive,
}
