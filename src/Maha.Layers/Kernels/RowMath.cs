using System.Numerics;
using System.Runtime.CompilerServices;

namespace Maha.Layers.Kernels;

/// <summary>Vector arithmetic on one token's channels, float32 and float64.</summary>
internal static unsafe class RowMath
{
    /// <summary>Returns the sum of x[k] * y[k].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Dot<T>(T* x, T* y, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Vector<T> sum0 = Vector<T>.Zero, sum1 = sum0;
        int width = Vector<T>.Count, k = 0;
        for (; k + (2 * width) <= count; k += 2 * width)
        {
            sum0 += Vector.Load(x + k) * Vector.Load(y + k);
            sum1 += Vector.Load(x + k + width) * Vector.Load(y + k + width);
        }

        var sum = Vector.Sum(sum0 + sum1);
        for (; k < count; k++)
            sum += x[k] * y[k];

        return sum;
    }

    /// <summary>Computes y[k] += factor * x[k].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled<T>(T factor, T* x, T* y, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var f = new Vector<T>(factor);
        int k = 0;
        for (; k + Vector<T>.Count <= count; k += Vector<T>.Count)
            ((f * Vector.Load(x + k)) + Vector.Load(y + k)).Store(y + k);

        for (; k < count; k++)
            y[k] += factor * x[k];
    }

    /// <summary>Computes y[k] = factor * x[k].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scale<T>(T factor, T* x, T* y, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var f = new Vector<T>(factor);
        int k = 0;
        for (; k + Vector<T>.Count <= count; k += Vector<T>.Count)
            (f * Vector.Load(x + k)).Store(y + k);

        for (; k < count; k++)
            y[k] = factor * x[k];
    }

    /// <summary>Computes y[k] = factor * y[k] + x[k].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ScaleAndAdd<T>(T factor, T* y, T* x, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var f = new Vector<T>(factor);
        int k = 0;
        for (; k + Vector<T>.Count <= count; k += Vector<T>.Count)
            ((f * Vector.Load(y + k)) + Vector.Load(x + k)).Store(y + k);

        for (; k < count; k++)
            y[k] = (factor * y[k]) + x[k];
    }

    /// <summary>Sets count elements to 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear<T>(T* x, int count)
        where T : unmanaged => new Span<T>(x, count).Clear();
}
