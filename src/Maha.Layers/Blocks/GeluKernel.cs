using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Maha.Layers.Kernels;

namespace Maha.Layers.Blocks;

// R rows (tokens), F width

/// <summary>Bias and exact GELU in one pass: y = z * Phi(z) with z = x + bias, and its derivative. float32.</summary>
/// <remarks>
/// The normal distribution comes from erfc(u) = t * P(t) * exp(-u^2) with t = 1 / (1 + p u) (Abramowitz and Stegun 7.1.26, absolute error 1.5e-7).
/// As separate operators, bias and activation each cost a pass over the widest tensor of a block. Slow twin: torch's gelu in float64.
/// </remarks>
internal static unsafe class GeluKernel
{
    // Enough work for one thread, and few enough rows that a short input keeps four threads busy.
    private const int RowsPerPiece = 64;
    private const float InverseSqrt2 = 0.70710678f;

    // A bound whose square is a finite float32; Phi is 0 or 1 at far smaller values.
    private const float MaxMagnitude = 1e18f;
    private const float InverseSqrt2Pi = 0.39894228f;

    /// <summary>Computes output = gelu(input + bias); output may be input.</summary>
    public static void Forward(long rows, int width, float* input, float* bias, float* output, int threads) =>
        KernelThreads.For(Pieces(rows), threads, piece =>
        {
            long start = piece * (long)RowsPerPiece;
            ForwardRows((int)Math.Min(RowsPerPiece, rows - start), width, input + (start * width), width, bias, output + (start * width), width);
        });

    /// <summary>Computes inputGradient = gradient * gelu'(input + bias).</summary>
    public static void Backward(long rows, int width, float* input, float* bias, float* gradient, float* inputGradient, int threads) =>
        KernelThreads.For(Pieces(rows), threads, piece =>
        {
            long start = piece * (long)RowsPerPiece;
            BackwardPiece(start, Math.Min(rows, start + RowsPerPiece), width, input, bias, gradient, inputGradient);
        });

    /// <summary>Computes output = gelu(input + bias) and, in place, gradient *= gelu'(input + bias). The width must be a multiple of 16.</summary>
    public static void Recompute(long rows, int width, float* input, float* bias, float* gradient, float* output, int threads) =>
        KernelThreads.For(Pieces(rows), threads, piece =>
        {
            long start = piece * (long)RowsPerPiece, end = Math.Min(rows, start + RowsPerPiece);
            for (long row = start; row < end; row++)
                RecomputeRow(width, input + (row * width), bias, gradient + (row * width), output + (row * width));
        });

    private static int Pieces(long rows) => (int)((rows + RowsPerPiece - 1) / RowsPerPiece);

    /// <summary>Computes the forward pass of some rows on the calling thread. Strides are in elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ForwardRows(int rows, int width, float* input, nint inputRow, float* bias, float* output, nint outputRow)
    {
        int vectorized = width / 16 * 16;
        float* padded = stackalloc float[16];
        for (int row = 0; row < rows; row++)
        {
            float* x = input + (row * inputRow);
            float* y = output + (row * outputRow);
            for (int k = 0; k < vectorized; k += 16)
                Gelu(Vector512.Load(x + k) + Vector512.Load(bias + k)).Store(y + k);
            if (vectorized < width)
            {
                LoadTail(x + vectorized, bias + vectorized, width - vectorized, padded);
                Gelu(Vector512.Load(padded)).Store(padded);
                new ReadOnlySpan<float>(padded, width - vectorized).CopyTo(new Span<float>(y + vectorized, width - vectorized));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardPiece(long start, long end, int width, float* input, float* bias, float* gradient, float* inputGradient)
    {
        int vectorized = width / 16 * 16;
        float* padded = stackalloc float[16];
        for (long row = start; row < end; row++)
        {
            float* x = input + (row * width);
            float* g = gradient + (row * width);
            float* dx = inputGradient + (row * width);
            for (int k = 0; k < vectorized; k += 16)
                (Derivative(Vector512.Load(x + k) + Vector512.Load(bias + k)) * Vector512.Load(g + k)).Store(dx + k);
            if (vectorized < width)
            {
                LoadTail(x + vectorized, bias + vectorized, width - vectorized, padded);
                Derivative(Vector512.Load(padded)).Store(padded);
                for (int k = vectorized; k < width; k++)
                    dx[k] = padded[k - vectorized] * g[k];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RecomputeRow(int width, float* input, float* bias, float* gradient, float* output)
    {
        for (int k = 0; k < width; k += 16)
        {
            var z = Vector512.Load(input + k) + Vector512.Load(bias + k);
            var distribution = Distribution(z, out var exponential);
            (Vector512.Load(gradient + k) * Vector512.MultiplyAddEstimate(z * Vector512.Create(InverseSqrt2Pi), exponential, distribution)).Store(gradient + k);
            (z * distribution).Store(output + k);
        }
    }

    private static void LoadTail(float* x, float* bias, int count, float* padded)
    {
        new Span<float>(padded, 16).Clear();
        for (int k = 0; k < count; k++)
            padded[k] = x[k] + bias[k];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Gelu(Vector512<float> z) => z * Distribution(z, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Derivative(Vector512<float> z)
    {
        var distribution = Distribution(z, out var exponential);
        return Vector512.MultiplyAddEstimate(z * Vector512.Create(InverseSqrt2Pi), exponential, distribution);
    }

    // An estimate of 14 bits and one Newton step reach float32 precision in a quarter of the time of a division.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Reciprocal(Vector512<float> x)
    {
        if (!Avx512F.IsSupported)
            return Vector512<float>.One / x;
        var estimate = Avx512F.Reciprocal14(x);
        return estimate * Avx512F.FusedMultiplyAddNegated(x, estimate, Vector512.Create(2f));
    }

    // Returns Phi(z), and exp(-z^2 / 2) as a by-product.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Distribution(Vector512<float> z, out Vector512<float> exponential)
    {
        // The bound keeps infinity out of the reciprocal. MinNative returns its second operand for NaN, so NaN is kept.
        var u = Vector512.MinNative(Vector512.Create(MaxMagnitude), Vector512.Abs(z) * Vector512.Create(InverseSqrt2));
        exponential = VectorMath.ExpNonPositive(-(u * u));
        var t = Reciprocal(Vector512.MultiplyAddEstimate(u, Vector512.Create(0.3275911f), Vector512<float>.One));
        var p = Vector512.Create(1.061405429f);
        p = Vector512.MultiplyAddEstimate(p, t, Vector512.Create(-1.453152027f));
        p = Vector512.MultiplyAddEstimate(p, t, Vector512.Create(1.421413741f));
        p = Vector512.MultiplyAddEstimate(p, t, Vector512.Create(-0.284496736f));
        p = Vector512.MultiplyAddEstimate(p, t, Vector512.Create(0.254829592f));
        var tail = p * t * exponential * Vector512.Create(0.5f); // Phi(-|z|)
        return Vector512.ConditionalSelect(Vector512.LessThan(z, Vector512<float>.Zero), tail, Vector512<float>.One - tail);
    }
}
