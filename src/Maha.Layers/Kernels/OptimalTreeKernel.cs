using System.Runtime.CompilerServices;

namespace Maha.Layers.Kernels;

// N tokens, n nodes, b children of a family, K head dim, Kp K rounded up to 16

/// <summary>The optimal form of hierarchical attention for one head of one document in float32. Equations and slow twin: Attention.OptimalTreeAttention.</summary>
/// <remarks>Work 4 b N K (1 + 1/b + ...); memory beside the operands a few rows a node, in the thread's scratch.</remarks>
internal static unsafe class OptimalTreeKernel
{
    /// <summary>Computes the output rows; stride is the distance between tokens in all operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(TreePlan plan, int headDim, float scale, float* query, float* key, float* value, nint stride, float* output)
    {
        int padded = FamilyTile.Columns(headDim), rows = FamilyTile.Rows(plan.LargestFamily), columns = FamilyTile.Columns(plan.LargestFamily);
        long nodeRows = (long)plan.Nodes * padded;
        float* memory = KernelScratch.Get<float>((4 * nodeRows) + (3L * plan.Nodes) + Family.Elements(rows, columns, headDim, padded) + ((long)rows * padded));
        var queries = new TreeRows(query, stride, memory, padded);
        var keys = new TreeRows(key, stride, memory + nodeRows, padded);
        var values = new TreeRows(value, stride, memory + (2 * nodeRows), padded);
        var outputs = new TreeRows(output, stride, memory + (3 * nodeRows), padded);
        float* energy = memory + (4 * nodeRows);
        float* kept = energy + plan.Nodes;
        float* mass = kept + plan.Nodes;
        float* logits = mass + plan.Nodes;
        var family = new Family(logits + ((long)rows * columns), rows, columns, headDim, padded);
        float* mixed = family.End;

        for (int level = 0; level < plan.Depth; level++)
        {
            int[] starts = plan.Starts[level];
            for (int f = 0; f < starts.Length - 1; f++)
            {
                int start = starts[f], count = starts[f + 1] - start, width = FamilyTile.Columns(count);
                family.Logits(plan, level, f, scale, queries, keys, logits);
                energy[plan.FamilyNode(level, f)] = Family.Weights(plan, level, f, logits, energy);
                if (level > 0)
                {
                    for (int i = 0; i < count; i++)
                    {
                        kept[plan.FirstNode[level] + start + i] = logits[((long)i * width) + i];
                        logits[((long)i * width) + i] = 0;
                    }
                }
                float* valuePack = family.PackRows(values.Row(plan, level, start), values.Stride(level), count);
                FamilyTile.Product(logits, width, 1, valuePack, padded, count, mixed, padded, FamilyTile.Rows(count), padded);
                for (int i = 0; i < count; i++)
                    new ReadOnlySpan<float>(mixed + ((long)i * padded), headDim).CopyTo(new Span<float>(outputs.Row(plan, level, start + i), headDim));
                if (level + 1 < plan.Depth)
                {
                    queries.Pool(plan, level, f, headDim);
                    keys.Pool(plan, level, f, headDim);
                    values.Pool(plan, level, f, headDim);
                }
            }
        }
        Down(plan, headDim, outputs, kept, mass);
    }

    // Adds what the ancestors see, from the root's children on.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Down(TreePlan plan, int headDim, TreeRows outputs, float* kept, float* mass)
    {
        Family.Masses(plan, plan.Depth - 1, kept, mass);
        for (int level = plan.Depth - 2; level >= 0; level--)
        {
            int[] starts = plan.Starts[level];
            for (int f = 0; f < starts.Length - 1; f++)
            {
                float* above = outputs.Row(plan, level + 1, f);
                float inside = mass[plan.FamilyNode(level, f)];
                for (int node = starts[f]; node < starts[f + 1]; node++)
                {
                    float* row = outputs.Row(plan, level, node);
                    RowMath.Scale(inside, row, row, headDim);
                    RowMath.AddScaled(1, above, row, headDim);
                }
            }
            Family.Masses(plan, level, kept, mass);
        }
    }
}
