namespace Maha.Layers.Attention;

/// <summary>How a sequence is shortened from one scale to the next.</summary>
public enum DecompositionKind
{
    /// <summary>A learned convolution with the compression ratio as stride, one a scale (the published code's 'conv').</summary>
    StridedConvolution,

    /// <summary>The adaptive maximum over about one compression ratio of tokens, without parameters (the published code's 'pool').</summary>
    AdaptiveMaxPool,
}
