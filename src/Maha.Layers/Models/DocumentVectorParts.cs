using Maha.Layers.Core;

namespace Maha.Layers.Models;

/// <summary>The parts of a document vector besides the pooled features of the encoder.</summary>
internal sealed record DocumentVectorParts
{
    /// <summary>K, the width of each spectral part.</summary>
    /// <value>128. From 0 to 4,096; 0 leaves the spectral parts out.</value>
    public int SpectralDim { get; init; } = 128;

    /// <summary>The number of buckets for hashed pairs of neighboring tokens in the spectral parts.</summary>
    /// <value>16,384. From 0 to 16,777,216; 0 uses single tokens only.</value>
    public int NumPairBuckets { get; init; } = 16384;

    /// <summary>The number of tokens at the beginning of a document, where titles and summaries are, that a spectral part of its own describes.</summary>
    /// <value>64. At least 0; 0 leaves the part out.</value>
    public int BeginningTokens { get; init; } = 64;

    /// <summary>The weight of the encoder's part relative to the spectral parts: the ratio of their root mean squares.</summary>
    /// <value>0.25: with few labels and a small collection the spectral parts carry more information. From 0 to 1,000.</value>
    public double ContextualWeight { get; init; } = 0.25;

    /// <summary>Checks every number.</summary>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    public void Validate()
    {
        TensorChecks.InRange(SpectralDim, 0, 4096, nameof(SpectralDim), "Use 0 to leave the spectral parts out.");
        TensorChecks.InRange(NumPairBuckets, 0, 1 << 24, nameof(NumPairBuckets), "Use about twice the vocabulary, or 0.");
        TensorChecks.InRange(BeginningTokens, 0, int.MaxValue, nameof(BeginningTokens), "Use 0 to leave the part out.");
        if (!(ContextualWeight >= 0 && ContextualWeight <= 1000))
        {
            throw new ArgumentOutOfRangeException(
                nameof(ContextualWeight), ContextualWeight,
                $"ContextualWeight must lie in [0, 1000], but is {ContextualWeight}. Use 1 for parts of equal weight.");
        }
    }
}
