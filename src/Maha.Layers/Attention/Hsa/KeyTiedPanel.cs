using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// b tokens of a lowest family, c columns, K head dim, Kp K rounded up to 16

/// <summary>Scratch memory for one lowest family, and the steps of the backward pass of the key-tied forms.</summary>
internal readonly unsafe struct KeyTiedPanel
{
    private readonly float* _transposed; // [K, c]
    private readonly int _headDim;
    private readonly int _padded;

    /// <summary>Lays the panel into memory of <see cref="Elements"/> elements.</summary>
    public KeyTiedPanel(float* memory, int rows, int columns, int headDim, int padded)
    {
        Left = memory;
        _transposed = Left + ((long)rows * padded);
        Right = _transposed + ((long)padded * columns);
        (_headDim, _padded) = (headDim, padded);
    }

    /// <summary>[b, Kp].</summary>
    public float* Left { get; }

    /// <summary>[c, Kp].</summary>
    public float* Right { get; }

    /// <summary>The number of elements that a panel needs.</summary>
    public static long Elements(int rows, int columns, int padded) => ((long)rows * padded) + (2L * padded * columns);

    /// <summary>Computes the weights of a family's tokens, [b, c] in rows of whole vectors.</summary>
    /// <remarks>Afterwards <see cref="Left"/> holds the packed and scaled queries.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Weights(
        TreePlan plan, HierarchicalForm form, float* query, nint stride, int count,
        TreeRows keys, ReadOnlySpan<int> levels, ReadOnlySpan<int> nodes, float scale, float* weights)
    {
        int width = MicroTile.PaddedColumns(levels.Length);
        Products(plan, query, stride, count, keys, levels, nodes, scale, weights);
        float* bias = stackalloc float[width];
        for (int j = 0; j < width; j++)
            bias[j] = j >= levels.Length ? float.NegativeInfinity : plan.LogSizes[levels[j]][nodes[j]];
        for (int i = 0; i < count; i++)
        {
            float* row = weights + ((long)i * width);
            PaddedRowMath.Add(bias, row, width);
            if (form != HierarchicalForm.KeyTied)
                new Span<float>(row + i + 1, count - i - 1).Fill(float.NegativeInfinity); // later tokens of the family
            PaddedRowMath.Softmax(row, width);
        }
    }

    /// <summary>Computes scale * x.y of the rows of a family with the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Products(
        TreePlan plan, float* x, nint stride, int count, TreeRows source, ReadOnlySpan<int> levels, ReadOnlySpan<int> nodes, float scale, float* products)
    {
        int rows = MicroTile.PaddedRows(count), width = MicroTile.PaddedColumns(levels.Length);
        PaddedRowMath.Pack(x, stride, count, rows, _headDim, _padded, scale, Left);
        for (int j = 0, run; j < levels.Length; j += run)
        {
            run = KeyTiedColumns.RunLength(levels, nodes, j);
            int columns = j + run == levels.Length ? width - j : run; // zeros after the last
            RowTransposition.Copy(source.Row(plan, levels[j], nodes[j]), source.Stride(levels[j]), run, _headDim, 1, _transposed + j, width, columns);
        }
        PaddedRowMath.Product(Left, _padded, 1, _transposed, width, _headDim, products, width, rows, width);
    }

    /// <summary>Copies the columns' rows to <see cref="Right"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void PackRows(TreePlan plan, TreeRows source, ReadOnlySpan<int> levels, ReadOnlySpan<int> nodes)
    {
        for (int j = 0, run; j < levels.Length; j += run)
        {
            run = KeyTiedColumns.RunLength(levels, nodes, j);
            PaddedRowMath.Pack(source.Row(plan, levels[j], nodes[j]), source.Stride(levels[j]), run, run, _headDim, _padded, 1, Right + ((long)j * _padded));
        }
    }
}
