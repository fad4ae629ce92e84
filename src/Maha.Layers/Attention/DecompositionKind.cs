namespace Maha.Layers.Attention;

/// <summary>The operator that shortens a sequence from one scale to the next.</summary>
public enum DecompositionKind
{
    /// <summary>A learned convolution per scale, with the compression ratio as its stride ('conv' in the published code).</summary>
    StridedConvolution,

    /// <summary>The maximum over as many tokens as the compression ratio, without parameters ('pool' in the published code).</summary>
    AdaptiveMaxPool,
}
