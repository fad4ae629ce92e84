using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// b rows or columns of a family, K head dim, Kp K rounded up to 16

/// <summary>Arithmetic on rows that are padded to whole vectors: packing for the register tiles, products, softmax.</summary>
internal static unsafe class PaddedRowMath
{
    /// <summary>Copies rows of K elements, scaled, to rows of Kp, and fills the other rows and columns with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(float* source, nint stride, int count, int rows, int headDim, int padded, float scale, float* target)
    {
        for (int i = 0; i < count; i++, source += stride, target += padded)
        {
            RowMath.Scale(scale, source, target, headDim);
            new Span<float>(target + headDim, padded - headDim).Clear();
        }
        new Span<float>(target, (rows - count) * padded).Clear();
    }

    /// <summary>Computes c[m, n] = sum over k of a[m * aRow + k * aDepth] * b[k * bRow + n] for rows in whole tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Product(float* a, nint aRow, nint aDepth, float* b, nint bRow, int depth, float* c, nint cRow, int rows, int columns)
    {
        for (int m = 0; m < rows; m += MicroTile.Rows)
            MicroTile.Row(a + (m * aRow), aRow, aDepth, b, bRow, depth, c + (m * cRow), cRow, columns, false);
    }

    /// <summary>Turns a row of logits into weights and returns the log-sum-exp of the logits. The row must hold a finite number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Softmax(float* row, int columns)
    {
        var most = Vector512.Load(row);
        for (int n = 16; n < columns; n += 16)
            most = Vector512.MaxNative(most, Vector512.Load(row + n));
        float largest = Largest(most);
        Vector512<float> total = Vector512<float>.Zero, subtracted = Vector512.Create(largest);
        for (int n = 0; n < columns; n += 16)
        {
            var e = VectorMath.ExpNonPositive(Vector512.Load(row + n) - subtracted);
            e.Store(row + n);
            total += e;
        }
        float sum = Vector512.Sum(total);

        // Divides by the sum, since the rounding of exp(logit - logsumexp) would show in the sum of the row.
        var inverse = Vector512.Create(1 / sum);
        for (int n = 0; n < columns; n += 16)
            (Vector512.Load(row + n) * inverse).Store(row + n);
        return largest + MathF.Log(sum);
    }

    /// <summary>Adds a row of whole vectors to another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(float* x, float* sum, int columns)
    {
        for (int n = 0; n < columns; n += 16)
            (Vector512.Load(x + n) + Vector512.Load(sum + n)).Store(sum + n);
    }

    /// <summary>Turns the gradient of weights into that of logits.</summary>
    /// <remarks>gradient[n] = weight[n] * (factor * (gradient[n] - sum over n of weight * gradient) + shift).</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SoftmaxGradient(float* weights, float* gradient, int columns, float factor, float shift)
    {
        float mean = Dot(weights, gradient, columns);
        Vector512<float> center = Vector512.Create(mean), scale = Vector512.Create(factor), offset = Vector512.Create(shift);
        for (int n = 0; n < columns; n += 16)
            (Vector512.Load(weights + n) * ((scale * (Vector512.Load(gradient + n) - center)) + offset)).Store(gradient + n);
    }

    /// <summary>Returns the dot product of two rows of whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(float* x, float* y, int columns)
    {
        var sum = Vector512<float>.Zero;
        for (int n = 0; n < columns; n += 16)
            sum = Vector512.MultiplyAddEstimate(Vector512.Load(x + n), Vector512.Load(y + n), sum);
        return Vector512.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector512<float> values)
    {
        var eight = Vector256.Max(values.GetLower(), values.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }
}
