using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// N tokens, n nodes, b children of a family, K head dim, Kp K rounded up to 16

/// <summary>The optimal form of hierarchical attention for one head of one document in float32.</summary>
/// <remarks>
/// Equations and reference: <see cref="OptimalTreeAttention"/>. Work 4 b N K (1 + 1/b + ...); memory in addition to the operands: a few rows per node, in the
/// thread's scratch. Scores are kept as [children as keys, children as queries]. Rows are read in place unless a tile would reach past them.
/// </remarks>
internal static unsafe class OptimalTreeKernel
{
    private const int Queries = TransposedSoftmax.Queries;

    /// <summary>Computes the output rows. <paramref name="stride"/> is the distance between tokens in all operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(TreePlan plan, int headDim, float scale, float* query, float* key, float* value, nint stride, float* output)
    {
        int padded = MicroTile.PaddedColumns(headDim), rows = MicroTile.PaddedRows(plan.LargestFamily);

        // The last tile of eight rows can reach past the last node.
        long nodeRows = (long)(plan.Nodes + MicroTile.Rows) * padded, familyRows = (long)rows * padded;
        float* memory = KernelScratch.Get<float>(
            (4 * nodeRows) + (3L * plan.Nodes) + (2 * familyRows) + ((long)rows * (Queries + 1)) + (2L * Queries * padded));
        var queries = new TreeRows(query, stride, memory, padded);
        var keys = new TreeRows(key, stride, memory + nodeRows, padded);
        var values = new TreeRows(value, stride, memory + (2 * nodeRows), padded);
        var outputs = new TreeRows(output, stride, memory + (3 * nodeRows), padded);
        float* keyPack = memory + (4 * nodeRows);
        float* valuePack = keyPack + familyRows;
        float* weights = valuePack + familyRows;
        float* transposed = weights + ((long)rows * Queries);
        float* mixed = transposed + ((long)Queries * padded);
        float* bias = mixed + ((long)Queries * padded);
        float* energy = bias + rows;
        float* kept = energy + plan.Nodes;
        float* mass = kept + plan.Nodes;

        for (int level = 0; level < plan.Depth; level++)
        {
            int[] starts = plan.Starts[level];
            for (int f = 0; f < starts.Length - 1; f++)
            {
                int start = starts[f], count = starts[f + 1] - start;
                var familyKeys = keys.ReadableRows(plan, level, start, count, headDim, count % MicroTile.Rows != 0, keyPack);
                var familyValues = values.ReadableRows(plan, level, start, count, headDim, headDim != padded, valuePack);
                plan.LogSizes[level].AsSpan(start, count).CopyTo(new Span<float>(bias, count));
                float phi = 0, size = plan.FamilySize(level, f);
                for (int panel = 0; panel < count; panel += Queries)
                {
                    int panelRows = Math.Min(Queries, count - panel);
                    float* panelQueries = queries.Row(plan, level, start + panel);
                    RowTransposition.Copy(panelQueries, queries.Stride(level), panelRows, headDim, scale, transposed, Queries, Queries);
                    for (int j = 0; j < count; j += MicroTile.Rows)
                    {
                        float* keyScores = weights + ((long)j * Queries);
                        MicroTile.Row(familyKeys.Row(j), familyKeys.Stride, 1, transposed, Queries, headDim, keyScores, Queries, Queries, false);
                    }
                    float* own = weights + ((long)panel * Queries); // own[i * (Queries + 1)] is a node's weight of itself
                    for (int i = 0; i < panelRows && level > 0; i++)
                        own[i * (Queries + 1)] = -energy[plan.FirstNode[level] + start + panel + i] - bias[panel + i];
                    var (largest, total) = TransposedSoftmax.Weights(weights, Queries, count, bias, 0, 0);
                    for (int i = 0; i < panelRows; i++)
                        phi -= plan.Sizes[level][start + panel + i] / size * (largest[i] + MathF.Log(total[i]));
                    for (int i = 0; i < panelRows && level > 0; i++)
                    {
                        kept[plan.FirstNode[level] + start + panel + i] = own[i * (Queries + 1)];
                        own[i * (Queries + 1)] = 0;
                    }

                    for (int m = 0; m < panelRows; m += MicroTile.Rows)
                    {
                        float* rowsMixed = mixed + ((long)m * padded);
                        MicroTile.Row(weights + m, 1, Queries, familyValues.Pointer, familyValues.Stride, count, rowsMixed, padded, padded, false);
                    }
                    for (int i = 0; i < panelRows; i++)
                        Unsafe.CopyBlockUnaligned(outputs.Row(plan, level, start + panel + i), mixed + ((long)i * padded), (uint)headDim * sizeof(float));
                }

                energy[plan.FamilyNode(level, f)] = phi;
                if (level + 1 < plan.Depth)
                {
                    queries.Pool(plan, level, f, headDim);
                    keys.Pool(plan, level, f, headDim);
                    values.Pool(plan, level, f, headDim);
                }
            }
        }
        AddAncestors(plan, headDim, outputs, kept, mass);
    }

    // Adds the outputs of the ancestors, from the root's children down.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddAncestors(TreePlan plan, int headDim, TreeRows outputs, float* kept, float* mass)
    {
        OptimalTreePanel.Masses(plan, plan.Depth - 1, kept, mass);
        for (int level = plan.Depth - 2; level >= 0; level--)
        {
            int[] starts = plan.Starts[level];
            nint stride = outputs.Stride(level);
            for (int f = 0; f < starts.Length - 1; f++)
            {
                float* above = outputs.Row(plan, level + 1, f);
                float inside = mass[plan.FamilyNode(level, f)];
                float* row = outputs.Row(plan, level, starts[f]);
                for (int node = starts[f]; node < starts[f + 1]; node++, row += stride)
                    RowMath.ScaleAndAdd(inside, row, above, headDim);
            }
            OptimalTreePanel.Masses(plan, level, kept, mass);
        }
    }
}
