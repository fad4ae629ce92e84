using System.Runtime.CompilerServices;

namespace Maha.Layers.Kernels;

// N tokens of the document, K head dim, Kp K rounded up to 16

/// <summary>One head's rows of one document at every level of its tree: tokens in a tensor, nodes in scratch memory.</summary>
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
    public float* Row(TreePlan plan, int level, int node) => level == 0 ? Tokens + (node * TokenStride) : Nodes + ((long)(plan.FirstNode[level] + node) * padded);

    /// <summary>Writes the mean over its tokens into every node above the tokens, from the bottom up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pool(TreePlan plan, int level, int family, int headDim)
    {
        float* mean = Nodes + ((long)plan.FamilyNode(level, family) * padded);
        RowMath.Clear(mean, padded);
        int[] starts = plan.Starts[level];
        float size = plan.FamilySize(level, family);
        for (int node = starts[family]; node < starts[family + 1]; node++)
            RowMath.AddScaled(plan.Sizes[level][node] / size, Row(plan, level, node), mean, headDim);
    }

    /// <summary>The sum of its parts in every node above the tokens, from the bottom up.</summary>
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
