using Maha.Layers.Core;

namespace Maha.Layers.Text;

// M rows, F columns, K kept directions

/// <summary>
/// The K right singular vectors of a sparse matrix with the largest singular values, by randomized subspace iteration (Halko, Martinsson and Tropp 2011).
/// </summary>
/// <remarks>Deterministic for a seed and independent of the number of threads. Cost per iteration O(nnz K + (M + F) K^2).</remarks>
internal static class TruncatedDecomposition
{
    // More directions than requested and several iterations, since the singular values of texts decrease slowly.
    private const int Oversampling = 8;
    private const int Iterations = 4;

    // A direction with a smaller share of the largest singular value is a rounding error.
    private const double SmallestShare = 1e-5;

    /// <summary>Computes the directions as columns of [F, K], stored row by row. Directions beyond the rank of the matrix are 0.</summary>
    /// <param name="matrix">[M, F].</param>
    /// <param name="width">K.</param>
    /// <param name="seed">The seed of the first guess.</param>
    /// <param name="isTimeOver">Returns whether the iterations so far must do, of which there is at least one; null for all of them.</param>
    /// <param name="cancellationToken">Ends the computation with an <see cref="OperationCanceledException"/>.</param>
    public static float[] RightVectors(SparseRows matrix, int width, int seed, Func<bool>? isTimeOver, CancellationToken cancellationToken)
    {
        int rank = Math.Min(width + Oversampling, Math.Min(matrix.NumRows, matrix.NumColumns));
        float[] vectors = new float[(long)matrix.NumColumns * width];
        if (rank == 0)
            return vectors;
        var transpose = matrix.Transpose();
        float[] basis = Random(matrix.NumColumns, rank, seed); // [F, R]
        for (int iteration = 0; iteration < Iterations && (iteration == 0 || isTimeOver?.Invoke() != true); iteration++)
        {
            float[] left = matrix.Multiply(basis, rank, cancellationToken); // [M, R]
            Orthogonalize(left, rank, cancellationToken);
            basis = transpose.Multiply(left, rank, cancellationToken); // [F, R]
            Orthogonalize(basis, rank, cancellationToken);
        }
        // Rayleigh-Ritz within the subspace: the eigenvectors of (X Q)' (X Q).
        float[] image = matrix.Multiply(basis, rank, cancellationToken);
        var (values, rotation) = SymmetricEigen.Decompose(Gram(image, rank, cancellationToken), rank, cancellationToken);
        for (int k = 0; k < Math.Min(width, rank); k++)
        {
            if (values[k] <= values[0] * SmallestShare * SmallestShare)
                break;
            cancellationToken.ThrowIfCancellationRequested();
            for (int f = 0; f < matrix.NumColumns; f++)
            {
                double sum = 0;
                for (int r = 0; r < rank; r++)
                    sum += basis[f * rank + r] * rotation[r * rank + k];
                vectors[f * width + k] = (float)sum;
            }
        }
        return vectors;
    }

    private static float[] Random(int rows, int width, int seed)
    {
        var random = new DeterministicRandom(DeterministicRandom.Combine(seed, SeedPurpose.RandomProjection, 0));
        float[] values = new float[(long)rows * width];
        foreach (ref float value in values.AsSpan())
            value = (int)(random.Next() >> 40) / (float)(1 << 23) - 1; // uniform in [-1, 1), which works as well as normal numbers here
        return values;
    }

    // The eigenvectors of the Gram matrix instead of Gram-Schmidt: two passes over memory. Directions that vanish become 0.
    private static void Orthogonalize(float[] columns, int width, CancellationToken cancellationToken)
    {
        for (int pass = 0; pass < 2; pass++)
        {
            var (values, rotation) = SymmetricEigen.Decompose(Gram(columns, width, cancellationToken), width, cancellationToken);
            double[] scaled = new double[width * width];
            for (int k = 0; k < width; k++)
            {
                double factor = values[k] > values[0] * 1e-12 ? 1 / Math.Sqrt(values[k]) : 0;
                for (int r = 0; r < width; r++)
                    scaled[r * width + k] = rotation[r * width + k] * factor;
            }
            Rotate(columns, scaled, width, cancellationToken);
        }
    }

    private static void Rotate(float[] columns, double[] rotation, int width, CancellationToken cancellationToken)
    {
        float[] single = Array.ConvertAll(rotation, value => (float)value);
        Parallel.For(0, columns.Length / width, new ParallelOptions { CancellationToken = cancellationToken }, row =>
        {
            Span<float> result = new float[width];
            var source = columns.AsSpan(row * width, width);
            for (int r = 0; r < width; r++)
                SparseRows.AddScaled(result, single.AsSpan(r * width, width), source[r]);
            result.CopyTo(source);
        });
    }

    // One thread computes a column of the result. Rows of a block are summed in float32, blocks in float64.
    private static double[] Gram(float[] columns, int width, CancellationToken cancellationToken)
    {
        const int blockRows = 256;
        int rows = columns.Length / width;
        double[] gram = new double[width * width];
        Parallel.For(0, width, new ParallelOptions { CancellationToken = cancellationToken }, r =>
        {
            float[] sums = new float[width];
            for (int first = 0; first < rows; first += blockRows)
            {
                Array.Clear(sums);
                for (int row = first; row < Math.Min(rows, first + blockRows); row++)
                    SparseRows.AddScaled(sums, columns.AsSpan(row * width, width), columns[row * width + r]);
                for (int c = 0; c < width; c++)
                    gram[r * width + c] += sums[c];
            }
        });
        return gram;
    }
}
