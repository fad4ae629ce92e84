using System.Runtime.CompilerServices;

namespace Maha.Layers.Attention;

// S scales, T support (the scales with positive weight)

/// <summary>The simplex program restricted to one support T, without the inequalities: minimize over a_T with sum 1, all other weights 0.</summary>
/// <remarks>a_T = P c_T + b with z = M_TT^-1 1, P = M_TT^-1 - z z^T / (1^T z), b = z / (1^T z); P is also the derivative of a_T by c_T.</remarks>
internal sealed class SupportFactor
{
    private readonly double[] _projection;
    private readonly double[] _base;

    private SupportFactor(int[] members, double[] projection, double[] offset)
    {
        Members = members;
        _projection = projection;
        _base = offset;
    }

    /// <summary>The scales of the support, ascending.</summary>
    public int[] Members { get; }

    /// <summary>Computes P and b for the scales whose bit is set in <paramref name="support"/>; matrix is M [S, S], symmetric positive definite.</summary>
    public static SupportFactor Create(ReadOnlySpan<double> matrix, int scales, int support)
    {
        int[] members = new int[int.PopCount(support)];
        for (int s = 0, n = 0; s < scales; s++)
        {
            if ((support >> s & 1) != 0)
                members[n++] = s;
        }
        int size = members.Length;
        double[] inverse = Invert(matrix, scales, members);
        double[] z = new double[size];
        double sum = 0;
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
                z[i] += inverse[(i * size) + j];
            sum += z[i];
        }
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
                inverse[(i * size) + j] -= z[i] * z[j] / sum;
        }
        for (int i = 0; i < size; i++)
            z[i] /= sum;
        return new SupportFactor(members, inverse, z);
    }

    /// <summary>Computes all S weights, which may be negative on the support and are 0 elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Solve(ReadOnlySpan<double> linear, Span<double> weights)
    {
        weights.Clear();
        for (int i = 0; i < Members.Length; i++)
            weights[Members[i]] = _base[i];
        AddProjected(linear, weights);
    }

    /// <summary>Adds P vector_T to result_T.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddProjected(ReadOnlySpan<double> vector, Span<double> result)
    {
        int size = Members.Length;
        for (int i = 0; i < size; i++)
        {
            double sum = 0;
            for (int j = 0; j < size; j++)
                sum += _projection[(i * size) + j] * vector[Members[j]];
            result[Members[i]] += sum;
        }
    }

    /// <summary>Copies P and b into [S, S] and [S], whose elements outside the support are left unchanged.</summary>
    public void CopyTo(Span<double> projection, Span<double> offset, int scales)
    {
        for (int i = 0; i < Members.Length; i++)
        {
            offset[Members[i]] = _base[i];
            for (int j = 0; j < Members.Length; j++)
                projection[(Members[i] * scales) + Members[j]] = _projection[(i * Members.Length) + j];
        }
    }

    // Gauss-Jordan without pivoting: the matrix is I plus a positive semidefinite one, so every pivot is at least 1.
    private static double[] Invert(ReadOnlySpan<double> matrix, int scales, int[] members)
    {
        int size = members.Length;
        double[] a = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
                a[(i * size) + j] = matrix[(members[i] * scales) + members[j]];
        }
        for (int k = 0; k < size; k++)
        {
            double pivot = 1 / a[(k * size) + k];
            a[(k * size) + k] = 1;
            for (int j = 0; j < size; j++)
                a[(k * size) + j] *= pivot;
            for (int i = 0; i < size; i++)
            {
                if (i == k)
                    continue;
                double factor = a[(i * size) + k];
                a[(i * size) + k] = 0;
                for (int j = 0; j < size; j++)
                    a[(i * size) + j] -= factor * a[(k * size) + j];
            }
        }
        return a;
    }
}
