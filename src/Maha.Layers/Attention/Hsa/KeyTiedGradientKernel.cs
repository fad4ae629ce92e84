using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// N tokens, n nodes, b tokens of a lowest family, c columns, K head dim, Kp K rounded up to 16

/// <summary>Computes the gradients of <see cref="KeyTiedKernel"/> for one head of one document. It computes the weights again.</summary>
internal static unsafe class KeyTiedGradientKernel
{
    /// <summary>Writes the gradients of query rows and adds those of key and value rows, which must be 0 on entry.</summary>
    /// <remarks><paramref name="stride"/> is the distance between tokens in all operands.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(
        TreePlan plan, HierarchicalForm form, int headDim, float scale, float* query, float* key, float* value, nint stride, float* gradient,
        float* queryGradient, float* keyGradient, float* valueGradient)
    {
        int padded = MicroTile.PaddedColumns(headDim), most = KeyTiedColumns.MaxCount(plan, form);
        int width = MicroTile.PaddedColumns(most), rows = MicroTile.PaddedRows(plan.LargestFamily);
        long nodeRows = (long)plan.Nodes * padded, square = (long)rows * width, panelElements = KeyTiedPanel.Elements(rows, width, padded);
        float* memory = KernelScratch.Get<float>((4 * nodeRows) + panelElements + (2 * square) + ((long)Math.Max(rows, width) * padded));
        var keys = new TreeRows(key, stride, memory, padded);
        var values = new TreeRows(value, stride, memory + nodeRows, padded);
        var keySums = new TreeRows(keyGradient, stride, memory + (2 * nodeRows), padded);
        var valueSums = new TreeRows(valueGradient, stride, memory + (3 * nodeRows), padded);
        RowMath.Clear(memory + (2 * nodeRows), checked((int)(2 * nodeRows)));
        float* weights = memory + (4 * nodeRows);
        float* products = weights + square;
        var panel = new KeyTiedPanel(products + square, rows, width, headDim, padded);
        float* result = products + square + panelElements;
        KeyTiedKernel.Pool(plan, headDim, keys, values);

        var (levels, nodes) = (new int[most], new int[most]);
        var columns = new KeyTiedColumns(plan, form, levels, nodes);
        int[] starts = plan.Starts[0];
        for (int f = 0; f < starts.Length - 1; f++)
        {
            int start = starts[f], count = starts[f + 1] - start, seen = columns.List(f), seenWidth = MicroTile.PaddedColumns(seen);
            ReadOnlySpan<int> seenLevels = levels.AsSpan(0, seen), seenNodes = nodes.AsSpan(0, seen);
            panel.Weights(plan, form, query + (start * stride), stride, count, keys, seenLevels, seenNodes, scale, weights);
            panel.Products(plan, gradient + (start * stride), stride, count, values, seenLevels, seenNodes, 1, products); // dO . v

            // panel.Left holds the packed dO now.
            PaddedRowMath.Product(weights, 1, seenWidth, panel.Left, padded, count, result, padded, MicroTile.PaddedRows(seen), padded);
            Scatter(valueSums, seen, 1);
            for (int i = 0; i < count; i++)
                PaddedRowMath.SoftmaxGradient(weights + ((long)i * seenWidth), products + ((long)i * seenWidth), seenWidth, 1, 0);
            PaddedRowMath.Pack(query + (start * stride), stride, count, MicroTile.PaddedRows(count), headDim, padded, scale, panel.Left);
            PaddedRowMath.Product(products, 1, seenWidth, panel.Left, padded, count, result, padded, MicroTile.PaddedRows(seen), padded);
            Scatter(keySums, seen, 1);
            panel.PackRows(plan, keys, seenLevels, seenNodes);
            PaddedRowMath.Product(products, seenWidth, 1, panel.Right, padded, seen, result, padded, MicroTile.PaddedRows(count), padded);
            for (int i = 0; i < count; i++)
                RowMath.Scale(scale, result + ((long)i * padded), queryGradient + ((start + i) * stride), headDim);
        }
        PropagateDown(plan, headDim, keySums);
        PropagateDown(plan, headDim, valueSums);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        void Scatter(TreeRows target, int seen, float factor)
        {
            for (int j = 0; j < seen; j++)
                RowMath.AddScaled(factor, result + ((long)j * padded), target.Row(plan, levels[j], nodes[j]), headDim);
        }
    }

    // A node's gradient is that of a mean: each of its children gets its share.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PropagateDown(TreePlan plan, int headDim, TreeRows sums)
    {
        for (int level = plan.Depth - 2; level >= 0; level--)
        {
            for (int node = 0; node < plan.Sizes[level].Length; node++)
            {
                int family = plan.Parents[level][node];
                float share = plan.Sizes[level][node] / (float)plan.FamilySize(level, family);
                RowMath.AddScaled(share, sums.Row(plan, level + 1, family), sums.Row(plan, level, node), headDim);
            }
        }
    }
}
