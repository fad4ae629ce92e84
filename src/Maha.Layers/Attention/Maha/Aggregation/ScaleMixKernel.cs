using System.Numerics;
using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// B batch, N tokens, S scales, D width

/// <summary>Weighted sum over scales without upsampled copies: out[i] = sum over s of weights[i, s] * scale_s[i / r^s].</summary>
/// <remarks>O(S N D) work and no memory except the result. The tests compare it with upsampling by tensor operators.</remarks>
internal static unsafe class ScaleMixKernel
{
    /// <summary>
    /// Computes the sum for the valid tokens of every document; the others become 0. scales holds one [B, N_s, D] pointer per scale; weights is [B, N, S].
    /// </summary>
    public static void Forward<T>(ScalePlan plan, int[] validLengths, int[] available, nint[] scales, T* weights, T* output, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelThreads.For(plan.Batch * plan.Pieces, threads, piece => ForwardPiece(plan, piece, validLengths, available, scales, weights, output));
    }

    /// <summary>Computes the gradients of the scales (which must be zero on entry) and of the weights (overwritten).</summary>
    public static void Backward<T>(
        ScalePlan plan, int[] validLengths, int[] available, nint[] scales, T* weights, T* outputGradient, nint[] scaleGradients, T* weightGradient,
        int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelThreads.For(
            plan.Batch * plan.Pieces, threads,
            piece => BackwardPiece(plan, piece, validLengths, available, scales, weights, outputGradient, scaleGradients, weightGradient));
    }

    // Kernel bodies are compiled with optimization at once: in the runtime's first tier they would run many times slower until they are recompiled.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardPiece<T>(ScalePlan plan, int piece, int[] validLengths, int[] available, nint[] scales, T* weights, T* output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int pieces = plan.Pieces, width = plan.Width;
        int document = piece / pieces;
        long start = piece % pieces * plan.PieceLength, end = Math.Min(start + plan.PieceLength, plan.Length);
        for (long i = start; i < end; i++)
        {
            long token = ((long)document * plan.Length) + i;
            var to = output + (token * width);
            if (i >= validLengths[document])
            {
                RowMath.Clear(to, width);
                continue;
            }
            var weight = weights + (token * plan.Scales);
            RowMath.Scale(weight[0], plan.Row<T>(scales, 0, document, i), to, width);
            for (int s = 1; s < available[document]; s++)
            {
                // A weight of exactly 0 is common (sparse solutions) and needs no work.
                if (weight[s] != T.Zero)
                    RowMath.AddScaled(weight[s], plan.Row<T>(scales, s, document, i), to, width);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardPiece<T>(
        ScalePlan plan, int piece, int[] validLengths, int[] available, nint[] scales, T* weights, T* outputGradient, nint[] scaleGradients, T* weightGradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int pieces = plan.Pieces, width = plan.Width;
        int document = piece / pieces;
        long start = piece % pieces * plan.PieceLength, end = Math.Min(start + plan.PieceLength, plan.Length);
        for (long i = start; i < end; i++)
        {
            long token = ((long)document * plan.Length) + i;
            var weight = weights + (token * plan.Scales);
            var gradient = weightGradient + (token * plan.Scales);
            RowMath.Clear(gradient, plan.Scales);
            if (i >= validLengths[document])
                continue;
            var from = outputGradient + (token * width);
            for (int s = 0; s < available[document]; s++)
            {
                gradient[s] = RowMath.Dot(from, plan.Row<T>(scales, s, document, i), width);
                RowMath.AddScaled(weight[s], from, plan.Row<T>(scaleGradients, s, document, i), width);
            }
        }
    }
}
