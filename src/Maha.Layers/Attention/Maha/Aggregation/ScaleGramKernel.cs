using System.Numerics;
using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// B batch, N tokens, S scales, D width, R_s scale output divided by its root mean square per token

/// <summary>
/// Redundancy of the scales: G[b, s, m] = mean over the document's valid tokens of &lt;R_s(i), R_m(i)&gt; / D, with R_s RMS-normalized per token.
/// </summary>
/// <remarks>
/// A pair of scales is visited once per token of the finer one and weighted by the number of tokens under it, so the cost is that of a few
/// passes over the finest scale. Scales past a document's available ones have zero rows and columns. The tests compare it with
/// <see cref="CompactScales.GramFallback"/>.
/// </remarks>
internal static unsafe class ScaleGramKernel
{
    /// <summary>Fills gram [B, S, S].</summary>
    public static void Forward<T>(ScalePlan plan, int[] validLengths, int[] available, nint[] scales, T* gram, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = plan.Scales, pieces = plan.Pieces;
        double[] partial = new double[(long)plan.Batch * pieces * count * count];
        KernelThreads.For(plan.Batch * pieces, threads, piece => ForwardPiece<T>(plan, piece, validLengths, available, scales, partial));
        for (int document = 0; document < plan.Batch; document++)
        {
            double norm = Math.Max(1, validLengths[document]) * (double)plan.Width;
            for (int s = 0; s < count; s++)
            {
                for (int m = s; m < count; m++)
                {
                    double sum = 0;
                    for (int piece = 0; piece < pieces; piece++)
                        sum += partial[((((((long)document * pieces) + piece) * count) + s) * count) + m];
                    var value = T.CreateTruncating(sum / norm);
                    gram[((((long)document * count) + s) * count) + m] = value;
                    gram[((((long)document * count) + m) * count) + s] = value;
                }
            }
        }
    }

    /// <summary>Computes the gradients of the scales from that of the Gram matrix; scaleGradients must be zero on entry.</summary>
    public static void Backward<T>(
        ScalePlan plan, int[] validLengths, int[] available, nint[] scales, T* gramGradient, nint[] scaleGradients, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelThreads.For(
            plan.Batch * plan.Pieces, threads, piece => BackwardPiece(plan, piece, validLengths, available, scales, gramGradient, scaleGradients));
    }

    // Kernel bodies are compiled with optimization at once: in the runtime's first tier they would run many times slower until they are recompiled.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardPiece<T>(ScalePlan plan, int piece, int[] validLengths, int[] available, nint[] scales, double[] partial)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = plan.Scales, pieces = plan.Pieces;
        int document = piece / pieces;
        long start = piece % pieces * plan.PieceLength, end = Math.Min(start + plan.PieceLength, validLengths[document]);
        double* inverse = stackalloc double[count];
        var sums = partial.AsSpan(piece * count * count, count * count);
        for (long i = start; i < end; i++)
        {
            Normalize<T>(plan, scales, document, i, available[document], inverse);
            for (int s = 0; s < available[document] && i % plan.Cells[s] == 0; s++)
            {
                double tokens = Math.Min(plan.Cells[s], end - i);
                var row = plan.Row<T>(scales, s, document, i);
                for (int m = s; m < available[document]; m++)
                {
                    double dot = double.CreateTruncating(RowMath.Dot(row, plan.Row<T>(scales, m, document, i), plan.Width));
                    sums[(s * count) + m] += tokens * inverse[s] * inverse[m] * dot;
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardPiece<T>(
        ScalePlan plan, int piece, int[] validLengths, int[] available, nint[] scales, T* gramGradient, nint[] scaleGradients)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = plan.Scales, pieces = plan.Pieces, width = plan.Width;
        int document = piece / pieces;
        long start = piece % pieces * plan.PieceLength, end = Math.Min(start + plan.PieceLength, validLengths[document]);
        double* inverse = stackalloc double[count];
        double norm = Math.Max(1, validLengths[document]) * (double)width;
        for (long i = start; i < end; i++)
        {
            // First the gradients of the normalized rows, except for the tokens' common factor.
            Normalize<T>(plan, scales, document, i, available[document], inverse);
            for (int s = 0; s < available[document] && i % plan.Cells[s] == 0; s++)
            {
                double tokens = Math.Min(plan.Cells[s], end - i);
                var row = plan.Row<T>(scales, s, document, i);
                var gradient = plan.Row<T>(scaleGradients, s, document, i);
                for (int m = s; m < available[document]; m++)
                {
                    double g = double.CreateTruncating(gramGradient[((((long)document * count) + s) * count) + m]
                        + gramGradient[((((long)document * count) + m) * count) + s]) * tokens / norm;
                    RowMath.AddScaled(T.CreateTruncating(g * inverse[m]), plan.Row<T>(scales, m, document, i), gradient, width);
                    if (m != s)
                        RowMath.AddScaled(T.CreateTruncating(g * inverse[s]), row, plan.Row<T>(scaleGradients, m, document, i), width);
                }
            }
        }

        // Then through the normalization R = x / rms: dx = (dR - R <R, dR> / D) / rms.
        for (int s = 0; s < available[document]; s++)
        {
            for (long i = start; i < end; i += plan.Cells[s])
            {
                var row = plan.Row<T>(scales, s, document, i);
                var gradient = plan.Row<T>(scaleGradients, s, document, i);
                double inverseRms = InverseRms(row, width);
                double along = double.CreateTruncating(RowMath.Dot(row, gradient, width)) * inverseRms * inverseRms / width;
                RowMath.AddScaled(T.CreateTruncating(-along), row, gradient, width);
                RowMath.Scale(T.CreateTruncating(inverseRms), gradient, gradient, width);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Normalize<T>(ScalePlan plan, nint[] scales, int document, long token, int available, double* inverse)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int s = 0; s < available && token % plan.Cells[s] == 0; s++)
            inverse[s] = InverseRms(plan.Row<T>(scales, s, document, token), plan.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double InverseRms<T>(T* row, int width)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        1 / Math.Sqrt((double.CreateTruncating(RowMath.Dot(row, row, width)) / width) + RmsNormalization.Epsilon);
}
