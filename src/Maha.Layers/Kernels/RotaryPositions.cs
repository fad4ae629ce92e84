using System.Numerics;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

// B batch, N length, D width, H heads, K head dim

/// <summary>Rotary position embeddings: the product of a rotated query and a rotated key depends on their distance only.</summary>
/// <remarks>
/// Su et al. 2021. Channel pair (k, k + K/2) of a head turns by position * 10000^(-2k/K); an odd last channel stays.
/// The position of coarse token j at cell size c is j * c + (c - 1) / 2.
/// </remarks>
internal static class RotaryPositions
{
    // The base of Su et al.: wavelengths from 2 pi to 2 pi * 10000 tokens.
    private const double Base = 10000;

    /// <summary>Rotates every head.</summary>
    /// <param name="rows">[B, N, heads * K].</param>
    /// <param name="numHeads">The number of heads in a row.</param>
    /// <param name="cell">c, the number of tokens per coarse token.</param>
    /// <param name="start">The position of the first row.</param>
    /// <returns>The same shape.</returns>
    public static Tensor Rotate(Tensor rows, int numHeads, long cell, long start = 0) => RotateAll([rows], numHeads, [cell], start)[0];

    /// <summary>Rotates every head of several tensors, on a CUDA device in one launch.</summary>
    /// <param name="rows">[B, N, heads * K] each.</param>
    /// <param name="numHeads">The number of heads in a row.</param>
    /// <param name="cells">c of each tensor.</param>
    /// <param name="start">The position of the first row, in rows.</param>
    /// <returns>The same shapes.</returns>
    public static Tensor[] RotateAll(IReadOnlyList<Tensor> rows, int numHeads, IReadOnlyList<long> cells, long start = 0) =>
        CudaRotationFunction.TryApply(rows, numHeads, cells, start)
            ?? [.. rows.Select((tensor, i) => RotateByTorch(tensor, numHeads, cells[i], start))];

    /// <summary>Rotates queries and keys that lie side by side with the values, on a CUDA device in one launch.</summary>
    /// <param name="packed">[B, N, 3 * heads * K].</param>
    /// <param name="numHeads">The number of heads of the queries.</param>
    /// <param name="start">The position of the first row.</param>
    /// <returns>The same shape, with the same values.</returns>
    public static Tensor RotatePacked(Tensor packed, int numHeads, long start = 0)
    {
        if (CudaRotationFunction.TryApply(packed, 3 * numHeads, 2 * numHeads, start) is { } rotated)
            return rotated;
        using var scope = NewDisposeScope();
        long width = packed.shape[2] / 3;
        return cat([Rotate(packed.narrow(2, 0, 2 * width), 2 * numHeads, cell: 1, start), packed.narrow(2, 2 * width, width)], 2).MoveToOuterDisposeScope();
    }

    private static Tensor RotateByTorch(Tensor rows, int numHeads, long cell, long start)
    {
        using var scope = NewDisposeScope();
        long length = rows.shape[1], headDim = rows.shape[2] / numHeads, half = headDim / 2;
        var device = rows.device;

        // Angles in float64: position times frequency loses the fraction of a turn in float32 from about 10^6 tokens on.
        var positions = ((arange(length, dtype: ScalarType.Float64, device: device) + start) * cell) + ((cell - 1) / 2.0);
        var frequencies = (arange(half, dtype: ScalarType.Float64, device: device) * (-2 * Math.Log(Base) / Math.Max(1, headDim))).exp();
        var angles = positions.unsqueeze(-1) * frequencies; // [N, K/2]
        var cosine = angles.cos().to(rows.dtype).unsqueeze(1); // [N, 1, K/2]
        var sine = angles.sin().to(rows.dtype).unsqueeze(1);
        var heads = rows.unflatten(2, numHeads, headDim); // [B, N, heads, K]
        var first = heads.narrow(3, 0, half);
        var second = heads.narrow(3, half, half);
        var rest = heads.narrow(3, 2 * half, headDim - (2 * half));
        return cat([(first * cosine) - (second * sine), (first * sine) + (second * cosine), rest], 3).flatten(2).MoveToOuterDisposeScope();
    }

    /// <summary>Rotates the heads of tokens that share a position, [heads, K], in place.</summary>
    internal static unsafe void RotateToken<T>(long position, int headDim, T* rows, int heads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int half = headDim / 2;
        for (int k = 0; k < half; k++)
        {
            var (sine, cosine) = Math.SinCos(position * Math.Exp(k * (-2 * Math.Log(Base) / Math.Max(1, headDim))));
            T s = T.CreateTruncating(sine), c = T.CreateTruncating(cosine);
            for (int head = 0; head < heads; head++)
            {
                var row = rows + ((long)head * headDim) + k;
                (row[0], row[half]) = ((row[0] * c) - (row[half] * s), (row[0] * s) + (row[half] * c));
            }
        }
    }
}
