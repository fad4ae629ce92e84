using Maha.Layers.Core;

namespace Maha.Layers.Attention;

// N length, S scales, r compression ratio, k kernel size

/// <summary>
/// The lengths N_0 &gt;= N_1 &gt;= ... of a sequence at its scales.
/// </summary>
/// <remarks>
/// Strided convolution with padding k / 2: N_s = floor((N_{s-1} + 2 * (k / 2) - k) / r) + 1.
/// Adaptive pool: N_s = max(1, floor(N_{s-1} / r)). No scale is ever empty.
/// </remarks>
internal static class ScaleLengths
{
    /// <summary>Computes the lengths for a kind of decomposition.</summary>
    /// <param name="kind">The operator between neighboring scales.</param>
    /// <param name="sequenceLength">N_0, at least 1.</param>
    /// <param name="numScales">S, at least 1.</param>
    /// <param name="compressionRatio">r, at least 2.</param>
    /// <param name="kernelSize">k, an odd number; used by the convolution only.</param>
    /// <returns>S lengths, the finest first.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public static long[] Compute(DecompositionKind kind, long sequenceLength, int numScales, int compressionRatio, int kernelSize = 3)
    {
        TensorChecks.Known(kind, nameof(kind));
        TensorChecks.InRange(sequenceLength, 1, long.MaxValue / 2, nameof(sequenceLength), "A sequence has at least one token.");
        ArgumentOutOfRangeException.ThrowIfLessThan(numScales, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(compressionRatio, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(kernelSize, 1);
        long[] lengths = new long[numScales];
        lengths[0] = sequenceLength;
        for (int scale = 1; scale < numScales; scale++)
        {
            long finer = lengths[scale - 1];
            lengths[scale] = kind == DecompositionKind.StridedConvolution
                ? ((finer + (2 * (kernelSize / 2)) - kernelSize) / compressionRatio) + 1
                : Math.Max(1, finer / compressionRatio);
        }
        return lengths;
    }
}
