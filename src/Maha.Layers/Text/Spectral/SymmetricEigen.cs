namespace Maha.Layers.Text;

/// <summary>Computes the eigenvalues and eigenvectors of a small symmetric matrix by Jacobi rotations.</summary>
internal static class SymmetricEigen
{
    private const int MaxSweeps = 30;

    /// <summary>Computes the eigenvalues in descending order, and the eigenvectors as columns [N, N].</summary>
    /// <param name="matrix">[N, N], row by row. It is not changed.</param>
    /// <param name="size">N.</param>
    /// <param name="cancellationToken">Ends the computation with an <see cref="OperationCanceledException"/>.</param>
    public static (double[] Values, double[] Vectors) Decompose(double[] matrix, int size, CancellationToken cancellationToken = default)
    {
        double[] a = [.. matrix];
        double[] v = new double[size * size]; // the eigenvectors are rows here, so that the rotations read memory in order
        for (int i = 0; i < size; i++)
            v[i * size + i] = 1;
        double scale = 0;
        for (int i = 0; i < size; i++)
            scale = Math.Max(scale, Math.Abs(a[i * size + i]));
        for (int sweep = 0; sweep < MaxSweeps; sweep++)
        {
            double largest = 0;
            for (int p = 0; p < size; p++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (int q = p + 1; q < size; q++)
                {
                    double apq = a[p * size + q];
                    largest = Math.Max(largest, Math.Abs(apq));
                    if (Math.Abs(apq) > 1e-15 * scale)
                        Rotate(a, v, size, p, q);
                }
            }

            if (largest <= 1e-13 * scale)
                break;
        }
        int[] order = [.. Enumerable.Range(0, size).OrderByDescending(i => a[i * size + i])];
        double[] vectors = new double[size * size];
        for (int k = 0; k < size; k++)
        {
            for (int i = 0; i < size; i++)
                vectors[i * size + k] = v[order[k] * size + i];
        }

        return ([.. order.Select(i => a[i * size + i])], vectors);
    }

    // Golub and Van Loan, section 8.5: the rotation in the plane (p, q) that makes a_pq 0.
    private static void Rotate(double[] a, double[] v, int n, int p, int q)
    {
        double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        double t = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
        double c = 1 / Math.Sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < n; k++)
        {
            double kp = a[k * n + p], kq = a[k * n + q];
            a[k * n + p] = c * kp - s * kq;
            a[k * n + q] = s * kp + c * kq;
        }
        RotateRows(a, n, p, q, c, s);
        RotateRows(v, n, p, q, c, s);
    }

    private static void RotateRows(double[] m, int n, int p, int q, double c, double s)
    {
        for (int k = 0; k < n; k++)
        {
            double pk = m[p * n + k], qk = m[q * n + k];
            m[p * n + k] = c * pk - s * qk;
            m[q * n + k] = s * pk + c * qk;
        }
    }
}
