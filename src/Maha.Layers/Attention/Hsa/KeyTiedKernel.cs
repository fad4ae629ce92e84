using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// N tokens, n nodes, b tokens of a lowest family, c columns, K head dim, Kp K rounded up to 16

/// <summary>The key-tied forms of hierarchical attention for one head of one document in float32.</summary>
/// <remarks>
/// Equations and reference: <see cref="KeyTiedAttention"/>. The tokens of a lowest family see the same nodes above, so that a family is one product of [b, K]
/// and [K, c]. The causal forms read no later node. Consecutive columns are read in place: only the queries are copied.
/// </remarks>
internal static unsafe class KeyTiedKernel
{
    private const int Queries = TransposedSoftmax.Queries;

    /// <summary>Computes the output rows. <paramref name="stride"/> is the distance between tokens in all operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(
        TreePlan plan, HierarchicalForm form, int headDim, float scale, float* query, float* key, float* value, nint stride, float* output)
    {
        int padded = MicroTile.PaddedColumns(headDim), most = KeyTiedColumns.MaxCount(plan, form), rows = MicroTile.PaddedRows(most + (2 * MicroTile.Rows));

        // The last tile of eight rows can reach past the last node.
        long nodeRows = (long)(plan.Nodes + MicroTile.Rows) * padded, packRows = 2L * MicroTile.PaddedRows(plan.LargestFamily) * padded;
        float* memory = KernelScratch.Get<float>((2 * nodeRows) + (2 * packRows) + ((long)rows * (Queries + 1)) + (2L * Queries * padded));
        var keys = new TreeRows(key, stride, memory, padded);
        var values = new TreeRows(value, stride, memory + nodeRows, padded);
        float* keyPack = memory + (2 * nodeRows);
        float* valuePack = keyPack + packRows;
        float* weights = valuePack + packRows;
        float* sums = weights + ((long)rows * Queries);
        float* transposed = sums + ((long)Queries * padded);
        float* bias = transposed + ((long)Queries * padded);
        Pool(plan, headDim, keys, values);

        var (levels, nodes, runs) = (new int[most], new int[most], new KeyTiedRun[most]);
        var columns = new KeyTiedColumns(plan, form, levels, nodes);
        int[] starts = plan.Starts[0];
        for (int f = 0; f < starts.Length - 1; f++)
        {
            int start = starts[f], count = starts[f + 1] - start, seen = columns.List(f), runCount = 0;
            long packed = 0;
            for (int j = 0, length; j < seen; j += length)
            {
                length = KeyTiedColumns.RunLength(levels.AsSpan(0, seen), nodes, j);
                runs[runCount++] = new KeyTiedRun(
                    j, length, keys.ReadableRows(plan, levels[j], nodes[j], length, headDim, length % MicroTile.Rows != 0, keyPack + packed),
                    values.ReadableRows(plan, levels[j], nodes[j], length, headDim, headDim != padded, valuePack + packed));
                packed += levels[j] == 0 ? (long)MicroTile.PaddedRows(length) * padded : 0;
            }

            for (int j = 0; j < seen; j++)
                bias[j] = plan.LogSizes[levels[j]][nodes[j]];
            for (int panel = 0; panel < count; panel += Queries)
            {
                int panelRows = Math.Min(Queries, count - panel);
                RowTransposition.Copy(query + ((start + panel) * stride), stride, panelRows, headDim, scale, transposed, Queries, Queries);
                for (int r = 0; r < runCount; r++)
                {
                    for (int j = 0; j < runs[r].Length; j += MicroTile.Rows)
                    {
                        MicroTile.Row(
                            runs[r].Keys.Row(j), runs[r].Keys.Stride, 1, transposed, Queries, headDim,
                            weights + ((long)(runs[r].Column + j) * Queries), Queries, Queries, false);
                    }
                }

                TransposedSoftmax.Weights(weights, Queries, seen, bias, panel, form == HierarchicalForm.KeyTied ? 0 : count);
                for (int m = 0; m < panelRows; m += MicroTile.Rows)
                {
                    for (int r = 0; r < runCount; r++)
                    {
                        MicroTile.Row(
                            weights + ((long)runs[r].Column * Queries) + m, 1, Queries, runs[r].Values.Pointer, runs[r].Values.Stride, runs[r].Length,
                            sums + ((long)m * padded), padded, padded, r > 0);
                    }
                }

                for (int i = 0; i < panelRows; i++)
                    Unsafe.CopyBlockUnaligned(output + ((start + panel + i) * stride), sums + ((long)i * padded), (uint)headDim * sizeof(float));
            }
        }
    }

    /// <summary>Writes the mean keys and values of all nodes that can be seen.</summary>
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
