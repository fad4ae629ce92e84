using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// N tokens of the document, K head dim, Kp K rounded up to 16

/// <summary>The rows of one head of one document at every level of its tree: tokens in a tensor, nodes in scratch memory.</summary>
internal readonly unsafe struct TreeRows(float* tokens, nint stride, float* nodes, int padded)
{
    public readonly float* Tokens = tokens;
    public readonly nint TokenStride = stride;
    public readonly float* Nodes = nodes;

    /// <summary>Elements between the rows of a level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Stride(int level) => level == 0 ? TokenStride : padded;

    /// <summary>A row: token <paramref name="node"/>, or node <paramref name="node"/> of a level above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Row(TreePlan plan, int level, int node) =>
        level == 0 ? Tokens + (node * TokenStride) : Nodes + ((long)(plan.FirstNode[level] + node) * padded);

    /// <summary>Returns consecutive rows that tiles can read.</summary>
    /// <remarks>
    /// The rows are read in place, or copied to <paramref name="pack"/> if a tile would reach past the tokens' rows. Nodes are in padded memory and never
    /// copied.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TokenRows<float> ReadableRows(TreePlan plan, int level, int first, int count, int headDim, bool reachesPast, float* pack)
    {
        if (level > 0 || !reachesPast)
            return new TokenRows<float>(Row(plan, level, first), Stride(level));
        PaddedRowMath.Pack(Row(plan, level, first), TokenStride, count, MicroTile.PaddedRows(count), headDim, padded, 1, pack);
        return new TokenRows<float>(pack, padded);
    }

    /// <summary>Writes the mean over its tokens into a node above the tokens. The levels below must be written before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pool(TreePlan plan, int level, int family, int headDim)
    {
        float* mean = Nodes + ((long)plan.FamilyNode(level, family) * padded);
        int start = plan.Starts[level][family], count = plan.Starts[level][family + 1] - start;
        float size = plan.FamilySize(level, family);
        float* first = Row(plan, level, start);
        nint row = Stride(level);
        int[] sizes = plan.Sizes[level];
        int k = 0;
        for (; k + 32 <= headDim; k += 32)
        {
            Vector512<float> sum0 = Vector512<float>.Zero, sum1 = sum0;
            float* from = first + k;
            for (int i = 0; i < count; i++, from += row)
            {
                var share = Vector512.Create(sizes[start + i] / size);
                sum0 = Vector512.MultiplyAddEstimate(share, Vector512.Load(from), sum0);
                sum1 = Vector512.MultiplyAddEstimate(share, Vector512.Load(from + 16), sum1);
            }
            sum0.Store(mean + k);
            sum1.Store(mean + k + 16);
        }
        RowMath.Clear(mean + k, padded - k);
        for (int i = 0; i < count && k < headDim; i++)
            RowMath.AddScaled(sizes[start + i] / size, first + (i * row) + k, mean + k, headDim - k);
    }

    /// <summary>Writes the sum of its children into a node above the tokens. The levels below must be written before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Sum(TreePlan plan, int level, int family, int headDim)
    {
        float* sum = Nodes + ((long)plan.FamilyNode(level, family) * padded);
        RowMath.Clear(sum, padded);
        int[] starts = plan.Starts[level];
        for (int node = starts[family]; node < starts[family + 1]; node++)
            RowMath.AddScaled(1, Row(plan, level, node), sum, headDim);
    }
}
