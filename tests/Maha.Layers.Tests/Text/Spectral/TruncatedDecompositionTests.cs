using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

public class TruncatedDecompositionTests
{
    private const int Rows = 40, Columns = 23, Width = 5;

    private readonly Random _random = new(1);

    [Fact]
    public void Eigenvectors_RebuildTheMatrix_AndAreOrthonormal()
    {
        const int n = 9;
        double[] matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
                matrix[i * n + j] = matrix[j * n + i] = _random.NextDouble() - 0.5;
        }

        var (values, vectors) = SymmetricEigen.Decompose(matrix, n);
        Assert.Equal(values.OrderDescending(), values);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double rebuilt = 0, product = 0;
                for (int k = 0; k < n; k++)
                {
                    rebuilt += vectors[i * n + k] * values[k] * vectors[j * n + k];
                    product += vectors[k * n + i] * vectors[k * n + j];
                }
                Assert.Equal(matrix[i * n + j], rebuilt, 1e-10);
                Assert.Equal(i == j ? 1 : 0, product, 1e-10);
            }
        }
    }

    // The matrix is small, but its eigenvectors take long where it is as wide as the vectors may be.
    [Fact]
    public void Eigenvectors_CanBeCanceled() =>
        Assert.Throws<OperationCanceledException>(() => SymmetricEigen.Decompose([2, 1, 1, 2], 2, new CancellationToken(canceled: true)));

    [Fact]
    public void Directions_AreThoseOfTheDenseDecomposition()
    {
        var (sparse, dense) = Matrix();
        double[] gram = new double[Columns * Columns];
        for (int i = 0; i < Columns; i++)
        {
            for (int j = 0; j < Columns; j++)
            {
                for (int row = 0; row < Rows; row++)
                    gram[i * Columns + j] += (double)dense[row * Columns + i] * dense[row * Columns + j];
            }
        }

        var (_, expected) = SymmetricEigen.Decompose(gram, Columns);
        float[] actual = TruncatedDecomposition.RightVectors(sparse, Width, 3, isTimeOver: null, default);
        for (int k = 0; k < Width; k++)
        {
            double product = 0;
            for (int f = 0; f < Columns; f++)
                product += actual[f * Width + k] * expected[f * Columns + k];
            Assert.Equal(1, Math.Abs(product), 1e-3); // up to the sign
        }
    }

    // A limit of time leaves out iterations, never all of them: the directions are orthonormal, and each pass brings them nearer to the exact ones.
    [Fact]
    public void ALimit_LeavesOutIterations_ButNotTheFirst()
    {
        var (sparse, dense) = Matrix();
        double[] captured = [.. Enumerable.Range(1, 4).Select(passes =>
        {
            int asked = 0;
            float[] directions = TruncatedDecomposition.RightVectors(sparse, Width, 3, () => ++asked >= passes, default);
            Assert.Equal(Math.Min(passes, 3), asked);
            for (int k = 0; k < Width; k++)
            {
                for (int j = 0; j <= k; j++)
                {
                    double product = Enumerable.Range(0, Columns).Sum(f => (double)directions[(f * Width) + k] * directions[(f * Width) + j]);
                    Assert.Equal(j == k ? 1 : 0, product, 1e-4);
                }
            }
            return Captured(dense, directions);
        })];
        Assert.Equal(Captured(dense, TruncatedDecomposition.RightVectors(sparse, Width, 3, isTimeOver: null, default)), captured[3], 1e-12);
        for (int passes = 1; passes < captured.Length; passes++)
            Assert.True(captured[passes] >= captured[passes - 1] - 1e-4, string.Join(' ', captured));
        Assert.True(captured[0] < captured[3], string.Join(' ', captured));
    }

    // The sum of squares of the rows along the directions.
    private static double Captured(float[] dense, float[] directions)
    {
        double sum = 0;
        for (int row = 0; row < Rows; row++)
        {
            for (int k = 0; k < Width; k++)
            {
                double product = Enumerable.Range(0, Columns).Sum(f => (double)dense[(row * Columns) + f] * directions[(f * Width) + k]);
                sum += product * product;
            }
        }
        return sum;
    }

    [Fact]
    public void DirectionsBeyondTheRank_AreZero()
    {
        var matrix = new SparseRows(7);
        for (int row = 0; row < 2; row++)
        {
            matrix.Add(row, 1);
            matrix.EndRow();
        }
        float[] vectors = TruncatedDecomposition.RightVectors(matrix, 4, 1, isTimeOver: null, default);
        for (int k = 0; k < 4; k++)
            Assert.Equal(k < 2 ? 1 : 0, Enumerable.Range(0, 7).Sum(f => (double)vectors[f * 4 + k] * vectors[f * 4 + k]), 1e-5);
        Assert.All(TruncatedDecomposition.RightVectors(new SparseRows(7), 4, 1, isTimeOver: null, default), value => Assert.Equal(0, value));
    }

    private (SparseRows Sparse, float[] Dense) Matrix()
    {
        var sparse = new SparseRows(Columns);
        float[] dense = new float[Rows * Columns];
        for (int row = 0; row < Rows; row++)
        {
            double squares = 0;
            for (int column = 0; column < Columns; column++)
            {
                if (_random.Next(3) > 0)
                    continue;
                float value = dense[row * Columns + column] = (float)_random.NextDouble() * (column < 6 ? 6 - column : 0.1f);
                squares += (double)value * value;
                sparse.Add(column, value);
            }
            sparse.EndRow();
            for (int column = 0; column < Columns && squares > 0; column++)
                dense[row * Columns + column] /= (float)Math.Sqrt(squares);
        }
        return (sparse, dense);
    }
}
