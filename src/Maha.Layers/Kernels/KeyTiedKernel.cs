using System.Runtime.CompilerServices;
using Maha.Layers.Attention;

namespace Maha.Layers.Kernels;

// N tokens, n nodes, b tokens of a lowest family, c columns, K head dim, Kp K rounded up to 16

/// <summary>The key-tied forms of hierarchical attention for one head of one document in float32. Equations and slow twin: Attention.KeyTiedAttention.</summary>
/// <remarks>The tokens of a lowest family see the same nodes above, so that a family is one product of [b, K] and [K, c]. The causal forms read no later node.</remarks>
internal static unsafe class KeyTiedKernel
{
    /// <summary>Computes the output rows; stride is the distance between tokens in all operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(TreePlan plan, HierarchicalForm form, int headDim, float scale, float* query, float* key, float* value, nint stride, float* output)
    {
        int padded = FamilyTile.Columns(headDim), most = KeyTiedColumns.Most(plan, form), width = FamilyTile.Columns(most), rows = FamilyTile.Rows(plan.LargestFamily);
        long nodeRows = (long)plan.Nodes * padded;
        float* memory = KernelScratch.Get<float>((2 * nodeRows) + KeyTiedPanel.Elements(rows, width, padded) + ((long)rows * width));
        var keys = new TreeRows(key, stride, memory, padded);
        var values = new TreeRows(value, stride, memory + nodeRows, padded);
        float* logits = memory + (2 * nodeRows);
        var panel = new KeyTiedPanel(logits + ((long)rows * width), rows, width, headDim, padded);
        Pool(plan, headDim, keys, values);

        var (levels, nodes) = (new int[most], new int[most]);
        var columns = new KeyTiedColumns(plan, form, levels, nodes);
        int[] starts = plan.Starts[0];
        for (int f = 0; f < starts.Length - 1; f++)
        {
            int start = starts[f], count = starts[f + 1] - start, seen = columns.List(f), seenWidth = FamilyTile.Columns(seen);
            panel.Weights(plan, form, query + (start * stride), stride, count, keys, levels.AsSpan(0, seen), nodes, scale, logits);
            panel.PackRows(plan, values, levels.AsSpan(0, seen), nodes);
            FamilyTile.Product(logits, seenWidth, 1, panel.Right, padded, seen, panel.Left, padded, FamilyTile.Rows(count), padded);
            for (int i = 0; i < count; i++)
                new ReadOnlySpan<float>(panel.Left + ((long)i * padded), headDim).CopyTo(new Span<float>(output + ((start + i) * stride), headDim));
        }
    }

    /// <summary>The means of keys and values of all nodes that can be seen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pool(TreePlan plan, int headDim, TreeRows keys, TreeRows values)
    {
        for (int level = 0; level + 1 < plan.Depth; level++)
        {
            for (int f = 0; f < plan.Starts[level].Length - 1; f++)
            {
                keys.Pool(plan, level, f, headDim);
                values.Pool(plan, level, f, headDim);
            }
        }
    }
}
