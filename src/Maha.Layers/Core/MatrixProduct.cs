using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>
/// Checked calls of torch's <c>matmul</c>, which ends the process where the operands don't fit, because TorchSharp passes no exception through.
/// </summary>
internal static class MatrixProduct
{
    /// <summary>Multiplies vectors, matrices or batches of them, as <c>matmul</c> defines it.</summary>
    /// <exception cref="ArgumentException">The operands don't fit together, or have different element types or devices.</exception>
    public static Tensor CheckedMatmul(this Tensor left, Tensor right)
    {
        long[] first = left.shape, second = right.shape;
        if (!Fit(first, second))
        {
            throw new ArgumentException(
                "The last dimension of the left operand of a matrix product must be the last but one of the right operand (or its only one), "
                + $"and the dimensions before must be equal or 1, but the shapes are {TensorChecks.Show(first)} and {TensorChecks.Show(second)}.",
                nameof(right));
        }
        TensorChecks.SameKind(left, right, nameof(left), "the right operand of the matrix product");
        return left.matmul(right);
    }

    private static bool Fit(ReadOnlySpan<long> left, ReadOnlySpan<long> right)
    {
        if (left.Length == 0 || right.Length == 0 || left[^1] != (right.Length == 1 ? right[0] : right[^2]))
            return false;
        for (int fromEnd = 3; fromEnd <= Math.Min(left.Length, right.Length); fromEnd++)
        {
            if (left[^fromEnd] != right[^fromEnd] && left[^fromEnd] != 1 && right[^fromEnd] != 1)
                return false;
        }
        return true;
    }
}
