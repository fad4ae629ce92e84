using Maha.Layers.Core;

namespace Maha.Layers.Models;

/// <summary>What the vector of a document consists of, beside the pooled features of the encoder.</summary>
internal sealed record DocumentVectorParts
{
    /// <summary>K, the width of each spectral part.</summary>
    /// <value>128. From 0 to 4,096; 0 leaves the spectral parts out.</value>
    public int SpectralDim { get; init; } = 128;

    /// <summary>The buckets that hashed pairs of neighboring tokens share in the spectral parts.</summary>
    /// <value>16,384. From 0 to 16,777,216; 0 looks at single tokens only.</value>
    public int NumPairBuckets { get; init; } = 16384;

    /// <summary>The tokens of a document's beginning, where titles and summaries stand, that have a spectral part of their own.</summary>
    /// <value>64. At least 0; 0 leaves the part out.</value>
    public int BeginningTokens { get; init; } = 64;

    /// <summary>How loud the encoder's part is beside the spectral ones: the ratio of their root mean squares.</summary>
    /// <value>0.25: where labels are few and the collection is small, the spectral parts know more. From 0 to 1,000.</value>
    public double ContextualWeight { get; init; } = 0.25;

    /// <summary>Checks every number.</summary>
    /// <exception cref="ArgumentException">One is out of its range.</exception>
    public void Validate()
    {
        TensorChecks.InRange(SpectralDim, 0, 4096, nameof(SpectralDim), "Use 0 to leave the spectral parts out.");
        TensorChecks.InRange(NumPairBuckets, 0, 1 << 24, nameof(NumPairBuckets), "Use about twice the vocabulary, or 0.");
        TensorChecks.InRange(BeginningTokens, 0, int.MaxValue, nameof(BeginningTokens), "Use 0 to leave the part out.");
        if (!(ContextualWeight >= 0 && ContextualWeight <= 1000))
            throw new ArgumentOutOfRangeException(nameof(ContextualWeight), ContextualWeight, $"ContextualWeight must lie in [0, 1000], but is {ContextualWeight}. Use 1 for parts that are alike.");
    }
}
