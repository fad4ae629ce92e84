using System.Numerics;
using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// T tokens, S scales, D width, R_s scale output divided by its root mean square

/// <summary>Redundancy of the scales at each single token: G[i, s, m] = &lt;R_s(i), R_m(i)&gt; / D, for causal models.</summary>
/// <remarks>
/// One pass over the scales, where tensor operators need five. Scales that a token lacks have zero rows and columns.
/// The tests compare it with <see cref="CausalScales.TokenGramFallback"/>.
/// </remarks>
internal static unsafe class TokenGramKernel
{
    private const int TokensPerPiece = 256;

    /// <summary>Computes gram [T, S, S]. scales holds one [T, D] pointer per scale; token i has the first available[i] of them.</summary>
    public static void Forward<T>(int[] available, int width, nint[] scales, T* gram, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        KernelThreads.For(Pieces(available), threads, piece =>
        {
            for (int token = piece * TokensPerPiece; token < Math.Min(available.Length, (piece + 1) * TokensPerPiece); token++)
                ForwardToken(token, available[token], width, scales, gram + ((long)token * scales.Length * scales.Length));
        });

    /// <summary>Computes the gradients of the scales, [T, D] each, from that of the Gram matrices.</summary>
    public static void Backward<T>(int[] available, int width, nint[] scales, T* gramGradient, nint[] scaleGradients, int threads)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        KernelThreads.For(Pieces(available), threads, piece =>
        {
            for (int token = piece * TokensPerPiece; token < Math.Min(available.Length, (piece + 1) * TokensPerPiece); token++)
                BackwardToken(token, available[token], width, scales, gramGradient + ((long)token * scales.Length * scales.Length), scaleGradients);
        });

    private static int Pieces(int[] available) => (available.Length + TokensPerPiece - 1) / TokensPerPiece;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardToken<T>(int token, int available, int width, nint[] scales, T* gram)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = scales.Length;
        var inverse = stackalloc T[count];
        RowMath.Clear(gram, count * count);
        Products(token, available, width, scales, gram, inverse);
        for (int s = 0; s < available; s++)
        {
            for (int m = 0; m < available; m++)
                gram[(s * count) + m] *= inverse[s] * inverse[m] / T.CreateTruncating(width);
        }
    }

    // With x a scale's row, r its inverse root mean square and c_sm = (dG_sm + dG_ms) r_m / D:
    // dx_s = r_s (sum over m of c_sm x_m) - r_s^3 x_s (sum over m of c_sm <x_s, x_m>) / D.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardToken<T>(int token, int available, int width, nint[] scales, T* gramGradient, nint[] scaleGradients)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = scales.Length;
        var d = T.CreateTruncating(width);
        var inverse = stackalloc T[count];
        var products = stackalloc T[count * count];
        Products(token, available, width, scales, products, inverse);
        for (int s = 0; s < count; s++)
        {
            var gradient = Row<T>(scaleGradients, s, token, width);
            RowMath.Clear(gradient, width);
            if (s >= available)
                continue;
            var along = T.Zero;
            for (int m = 0; m < available; m++)
            {
                var c = (gramGradient[(s * count) + m] + gramGradient[(m * count) + s]) * inverse[m] / d;
                along += c * products[(s * count) + m];
                RowMath.AddScaled(inverse[s] * c, Row<T>(scales, m, token, width), gradient, width);
            }
            RowMath.AddScaled(-inverse[s] * inverse[s] * inverse[s] * along / d, Row<T>(scales, s, token, width), gradient, width);
        }
    }

    // Computes the products of the rows of a token, and their inverse root mean squares.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Products<T>(int token, int available, int width, nint[] scales, T* products, T* inverse)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = scales.Length;
        for (int s = 0; s < available; s++)
        {
            for (int m = s; m < available; m++)
            {
                var product = RowMath.Dot(Row<T>(scales, s, token, width), Row<T>(scales, m, token, width), width);
                products[(s * count) + m] = product;
                products[(m * count) + s] = product;
            }
            inverse[s] = T.One / T.Sqrt((products[s * (count + 1)] / T.CreateTruncating(width)) + T.CreateTruncating(RmsNormalization.Epsilon));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* Row<T>(nint[] scales, int scale, int token, int width)
        where T : unmanaged, IFloatingPointIeee754<T> => (T*)scales[scale] + ((long)token * width);
}
