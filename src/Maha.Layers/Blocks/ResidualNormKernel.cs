using System.Numerics;
using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;

namespace Maha.Layers.Blocks;

// R rows (tokens), D width

/// <summary>Layer norm of a sum in one pass: y = (s - mean) / sqrt(var + eps) * weight + bias with s = x + r, and its gradients.</summary>
/// <remarks>Slow twin: torch's layer_norm of the sum.</remarks>
internal static unsafe class ResidualNormKernel
{
    // Each piece sums the parameter gradients of its rows, and the pieces are added in order: the result does not depend on the number of threads.
    private const int RowsPerPiece = 256;

    /// <summary>Returns the number of pieces that the rows are divided into.</summary>
    public static int Pieces(long rows) => (int)((rows + RowsPerPiece - 1) / RowsPerPiece);

    /// <summary>Computes output [R, D] and, unless they are null, sum [R, D] and statistics [R, 2] (mean, inverse standard deviation).</summary>
    public static void Forward<T>(
        long rows, int width, T* x, T* residual, T* weight, T* bias, T epsilon, T* output, T* sum, T* statistics, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        KernelThreads.For(Pieces(rows), threads, piece =>
        {
            long start = piece * (long)RowsPerPiece;
            int count = (int)Math.Min(RowsPerPiece, rows - start);
            long offset = start * width;
            ForwardRows(
                count, width, x + offset, residual + offset, weight, bias, epsilon, output + offset,
                sum == null ? null : sum + offset, statistics == null ? null : statistics + (2 * start));
        });

    /// <summary>Computes inputGradient [R, D], the gradient of both addends, and parameterGradients [pieces, 2, D] (weight, bias).</summary>
    public static void Backward<T>(long rows, int width, T* sum, T* statistics, T* weight, T* gradient, T* inputGradient, T* parameterGradients, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        KernelThreads.For(
            Pieces(rows), threads, piece => BackwardPiece(piece, rows, width, sum, statistics, weight, gradient, inputGradient, parameterGradients));

    /// <summary>Computes the forward pass of some rows on the calling thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ForwardRows<T>(int rows, int width, T* x, T* residual, T* weight, T* bias, T epsilon, T* output, T* sum, T* statistics)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var count = T.CreateTruncating(width);
        int lanes = Vector<T>.Count;
        for (long row = 0; row < rows; row++)
        {
            var a = x + (row * width);
            var b = residual + (row * width);
            var y = output + (row * width);

            // The output holds the sum first: reading a row twice from the first-level cache is cheap.
            var totals = Vector<T>.Zero;
            var total = T.Zero;
            int k = 0;
            for (; k + lanes <= width; k += lanes)
            {
                var s = Vector.Load(a + k) + Vector.Load(b + k);
                s.Store(y + k);
                totals += s;
            }

            for (; k < width; k++)
                total += y[k] = a[k] + b[k];
            var mean = (total + Vector.Sum(totals)) / count;

            // Squares of the differences to the mean, not E[s^2] - mean^2, which a large mean would cancel completely.
            Vector<T> squares = Vector<T>.Zero, means = new(mean);
            var square = T.Zero;
            for (k = 0; k + lanes <= width; k += lanes)
            {
                var d = Vector.Load(y + k) - means;
                squares += d * d;
            }

            for (; k < width; k++)
                square += (y[k] - mean) * (y[k] - mean);
            var inverse = T.One / T.Sqrt(((square + Vector.Sum(squares)) / count) + epsilon);
            if (sum != null)
            {
                new ReadOnlySpan<T>(y, width).CopyTo(new Span<T>(sum + (row * width), width));
                statistics[2 * row] = mean;
                statistics[(2 * row) + 1] = inverse;
            }

            Vector<T> inverses = new(inverse);
            for (k = 0; k + lanes <= width; k += lanes)
                (((Vector.Load(y + k) - means) * inverses * Vector.Load(weight + k)) + Vector.Load(bias + k)).Store(y + k);
            for (; k < width; k++)
                y[k] = ((y[k] - mean) * inverse * weight[k]) + bias[k];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardPiece<T>(
        int piece, long rows, int width, T* sum, T* statistics, T* weight, T* gradient, T* inputGradient, T* parameterGradients)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var count = T.CreateTruncating(width);
        int lanes = Vector<T>.Count;
        var weightGradient = parameterGradients + (2L * piece * width);
        var biasGradient = weightGradient + width;
        RowMath.Clear(weightGradient, 2 * width);
        long end = Math.Min(rows, (piece + 1L) * RowsPerPiece);
        for (long row = piece * (long)RowsPerPiece; row < end; row++)
        {
            var s = sum + (row * width);
            var g = gradient + (row * width);
            var dx = inputGradient + (row * width);
            T mean = statistics[2 * row], inverse = statistics[(2 * row) + 1];
            Vector<T> means = new(mean), inverses = new(inverse), firsts = Vector<T>.Zero, seconds = Vector<T>.Zero;
            T first = T.Zero, second = T.Zero;
            int k = 0;
            for (; k + lanes <= width; k += lanes)
            {
                Vector<T> incoming = Vector.Load(g + k), normalized = (Vector.Load(s + k) - means) * inverses, scaled = incoming * Vector.Load(weight + k);
                (Vector.Load(weightGradient + k) + (incoming * normalized)).Store(weightGradient + k);
                (Vector.Load(biasGradient + k) + incoming).Store(biasGradient + k);
                firsts += scaled;
                seconds += scaled * normalized;
            }

            for (; k < width; k++)
            {
                T normalized = (s[k] - mean) * inverse, scaled = g[k] * weight[k];
                weightGradient[k] += g[k] * normalized;
                biasGradient[k] += g[k];
                first += scaled;
                second += scaled * normalized;
            }

            // dx = (dn - mean(dn) - n * mean(dn * n)) / deviation with n the normalized row and dn its gradient.
            first = (first + Vector.Sum(firsts)) / count;
            second = (second + Vector.Sum(seconds)) / count;
            firsts = new Vector<T>(first);
            seconds = new Vector<T>(second);
            for (k = 0; k + lanes <= width; k += lanes)
            {
                var normalized = (Vector.Load(s + k) - means) * inverses;
                (((Vector.Load(g + k) * Vector.Load(weight + k)) - firsts - (normalized * seconds)) * inverses).Store(dx + k);
            }

            for (; k < width; k++)
                dx[k] = ((g[k] * weight[k]) - first - ((s[k] - mean) * inverse * second)) * inverse;
        }
    }
}
