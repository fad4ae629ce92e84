using System.Numerics;
using System.Runtime.CompilerServices;

namespace Maha.Layers.Kernels;

// D input width, F output width

/// <summary>Computes y = W x + b for one token, in float32 or float64: the products of decoding.</summary>
/// <remarks>
/// Reading W once takes most of the time. As a tensor operator, such a product costs more in calls and small tensors than in arithmetic. Reference: torch's
/// linear.
/// </remarks>
internal static unsafe class TokenProjection
{
    /// <summary>Fills y [F] from W [F, D], b [F] (null for none) and x [D].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply<T>(int depth, int width, T* weight, T* bias, T* x, T* y)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int f = 0, lanes = Vector<T>.Count, vectorized = depth / lanes * lanes;
        for (; f + 4 <= width; f += 4)
        {
            var w0 = weight + ((long)f * depth);
            var w1 = w0 + depth;
            var w2 = w1 + depth;
            var w3 = w2 + depth;
            Vector<T> s0 = Vector<T>.Zero, s1 = s0, s2 = s0, s3 = s0;
            for (int k = 0; k < vectorized; k += lanes)
            {
                var v = Vector.Load(x + k);
                s0 += Vector.Load(w0 + k) * v;
                s1 += Vector.Load(w1 + k) * v;
                s2 += Vector.Load(w2 + k) * v;
                s3 += Vector.Load(w3 + k) * v;
            }

            (y[f], y[f + 1], y[f + 2], y[f + 3]) = (Vector.Sum(s0), Vector.Sum(s1), Vector.Sum(s2), Vector.Sum(s3));
            for (int k = vectorized; k < depth; k++)
            {
                y[f] += w0[k] * x[k];
                y[f + 1] += w1[k] * x[k];
                y[f + 2] += w2[k] * x[k];
                y[f + 3] += w3[k] * x[k];
            }
        }

        for (; f < width; f++)
            y[f] = RowMath.Dot(weight + ((long)f * depth), x, depth);
        for (f = 0; f < width && bias != null; f++)
            y[f] += bias[f];
    }
}
