using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// b children of a family, K head dim, Kp K rounded up to 16

/// <summary>Scratch memory for one family, and the steps of the optimal form's kernels.</summary>
internal readonly unsafe struct OptimalTreePanel
{
    private readonly float* _queries; // [b, Kp]
    private readonly float* _keys; // [K, b]
    private readonly float* _values; // [b, Kp]
    private readonly int _headDim;
    private readonly int _padded;

    /// <summary>Lays the panel into memory of <see cref="Elements"/> elements minus a square of logits.</summary>
    public OptimalTreePanel(float* memory, int rows, int columns, int headDim, int padded)
    {
        _queries = memory;
        _keys = _queries + ((long)rows * padded);
        _values = _keys + ((long)headDim * columns);
        End = _values + ((long)columns * padded);
        (_headDim, _padded) = (headDim, padded);
    }

    /// <summary>The first element after the panel.</summary>
    public float* End { get; }

    /// <summary>The number of elements that a family and its square of logits need.</summary>
    public static long Elements(int rows, int columns, int headDim, int padded) =>
        ((long)rows * columns) + ((long)rows * padded) + ((long)headDim * columns) + ((long)columns * padded);

    /// <summary>Computes scale * q.k of every child with every child.</summary>
    public void Logits(TreePlan plan, int level, int family, float scale, TreeRows queries, TreeRows keys, float* logits)
    {
        int start = plan.Starts[level][family], count = plan.Starts[level][family + 1] - start;
        Products(queries.Row(plan, level, start), queries.Stride(level), keys.Row(plan, level, start), keys.Stride(level), count, scale, logits);
    }

    /// <summary>Computes scale * x.y of every row x with every row y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Products(float* x, nint xStride, float* y, nint yStride, int count, float scale, float* products)
    {
        int rows = MicroTile.PaddedRows(count), columns = MicroTile.PaddedColumns(count);
        PaddedRowMath.Pack(x, xStride, count, rows, _headDim, _padded, scale, _queries);
        RowTransposition.Copy(y, yStride, count, _headDim, 1, _keys, columns, columns);
        PaddedRowMath.Product(_queries, _padded, 1, _keys, columns, _headDim, products, columns, rows, columns);
    }

    /// <summary>Packs rows as the right operand of a product, valid until the next call.</summary>
    public float* PackRows(float* source, nint stride, int count)
    {
        PaddedRowMath.Pack(source, stride, count, count, _headDim, _padded, 1, _values);
        return _values;
    }

    /// <summary>Turns the logits of a family into weights and returns phi of its node.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Weights(TreePlan plan, int level, int family, float* logits, float* energy)
    {
        int start = plan.Starts[level][family], count = plan.Starts[level][family + 1] - start, columns = MicroTile.PaddedColumns(count);
        int[] sizes = plan.Sizes[level];
        float size = plan.FamilySize(level, family), phi = 0;
        float* bias = stackalloc float[columns];
        for (int j = 0; j < columns; j++)
            bias[j] = j >= count ? float.NegativeInfinity : plan.LogSizes[level][start + j];
        for (int i = 0; i < count; i++)
        {
            float* row = logits + ((long)i * columns);
            PaddedRowMath.Add(bias, row, columns);
            if (level > 0)
                row[i] = -energy[plan.FirstNode[level] + start + i];
            phi -= sizes[start + i] / size * PaddedRowMath.Softmax(row, columns);
        }
        return phi;
    }

    /// <summary>Computes the masses of the nodes of a level from those of the level above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Masses(TreePlan plan, int level, float* kept, float* mass)
    {
        if (level == 0)
            return;
        for (int node = 0; node < plan.Sizes[level].Length; node++)
        {
            int at = plan.FirstNode[level] + node;
            mass[at] = (level == plan.Depth - 1 ? 1 : mass[plan.FamilyNode(level, plan.Parents[level][node])]) * kept[at];
        }
    }
}
