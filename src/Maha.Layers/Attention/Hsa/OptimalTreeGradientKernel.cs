using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// N tokens, n nodes, b children of a family, K head dim, Kp K rounded up to 16

/// <summary>Computes the gradients of <see cref="OptimalTreeKernel"/> for one head of one document. It computes the forward pass again.</summary>
/// <remarks>
/// Up: with the weights, the products g(B, C) = dO_B . v_C of each family, where dO of a node is the sum over its tokens. Above the tokens, g(B, B) is the
/// gradient of the node's mass, dm(A) = sum t g. Down, with the masses known: dt = m(A) g, the gradient of phi from the family above, and from both the
/// gradient of the logits. A child gets its share of the gradients of the node's mean query, key and value.
/// </remarks>
internal static unsafe class OptimalTreeGradientKernel
{
    /// <summary>Writes the gradients of query, key and value rows. <paramref name="stride"/> is the distance between tokens in all operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(
        TreePlan plan, int headDim, float scale, float* query, float* key, float* value, nint stride, float* gradient,
        float* queryGradient, float* keyGradient, float* valueGradient)
    {
        int padded = MicroTile.PaddedColumns(headDim), rows = MicroTile.PaddedRows(plan.LargestFamily), columns = MicroTile.PaddedColumns(plan.LargestFamily);
        long nodeRows = (long)plan.Nodes * padded, panelElements = OptimalTreePanel.Elements(rows, columns, headDim, padded);
        float* memory = KernelScratch.Get<float>((7 * nodeRows) + (5L * plan.Nodes) + (2 * plan.Weights) + panelElements + ((long)columns * padded));
        var queries = new TreeRows(query, stride, memory, padded);
        var keys = new TreeRows(key, stride, memory + nodeRows, padded);
        var values = new TreeRows(value, stride, memory + (2 * nodeRows), padded);
        var outputs = new TreeRows(gradient, stride, memory + (3 * nodeRows), padded); // dO
        TreeRows[] sums =
        [
            new(queryGradient, stride, memory + (4 * nodeRows), padded),
            new(keyGradient, stride, memory + (5 * nodeRows), padded),
            new(valueGradient, stride, memory + (6 * nodeRows), padded),
        ];
        float* energy = memory + (7 * nodeRows);
        float* kept = energy + plan.Nodes;
        float* mass = kept + plan.Nodes;
        float* massGradient = mass + plan.Nodes;
        float* energyGradient = massGradient + plan.Nodes;
        float* weights = energyGradient + plan.Nodes;
        float* products = weights + plan.Weights;
        var panel = new OptimalTreePanel(products + plan.Weights, rows, columns, headDim, padded);
        float* result = panel.End;

        for (int level = 0; level < plan.Depth; level++)
        {
            int[] starts = plan.Starts[level];
            for (int f = 0; f < starts.Length - 1; f++)
            {
                int start = starts[f], count = starts[f + 1] - start, width = MicroTile.PaddedColumns(count), node = plan.FamilyNode(level, f);
                float* t = weights + plan.WeightStart[level][f];
                float* g = products + plan.WeightStart[level][f];
                panel.Logits(plan, level, f, scale, queries, keys, t);
                energy[node] = OptimalTreePanel.Weights(plan, level, f, t, energy);
                panel.Products(outputs.Row(plan, level, start), outputs.Stride(level), values.Row(plan, level, start), values.Stride(level), count, 1, g);
                massGradient[node] = 0;
                for (int i = 0; i < count; i++)
                {
                    if (level > 0)
                    {
                        kept[plan.FirstNode[level] + start + i] = t[((long)i * width) + i];
                        g[((long)i * width) + i] = massGradient[plan.FirstNode[level] + start + i];
                    }
                    massGradient[node] += PaddedRowMath.Dot(t + ((long)i * width), g + ((long)i * width), width);
                }
                if (level + 1 < plan.Depth)
                {
                    queries.Pool(plan, level, f, headDim);
                    keys.Pool(plan, level, f, headDim);
                    values.Pool(plan, level, f, headDim);
                    outputs.Sum(plan, level, f, headDim);
                }
            }
        }

        for (int level = plan.Depth - 1; level >= 0; level--)
        {
            OptimalTreePanel.Masses(plan, level, kept, mass);
            int[] starts = plan.Starts[level];
            for (int f = 0; f < starts.Length - 1; f++)
            {
                int start = starts[f], count = starts[f + 1] - start, width = MicroTile.PaddedColumns(count), above = plan.FamilyNode(level, f);
                bool isRoot = level == plan.Depth - 1;
                float inside = isRoot ? 1 : mass[above], size = plan.FamilySize(level, f);
                float* t = weights + plan.WeightStart[level][f];
                float* g = products + plan.WeightStart[level][f];
                for (int i = 0; i < count; i++)
                {
                    float* row = g + ((long)i * width);
                    float partition = isRoot ? 0 : -plan.Sizes[level][start + i] / size * energyGradient[above];
                    PaddedRowMath.SoftmaxGradient(t + ((long)i * width), row, width, inside, partition);
                    if (level > 0)
                    {
                        energyGradient[plan.FirstNode[level] + start + i] = -row[i];
                        row[i] = 0;
                        t[((long)i * width) + i] = 0;
                    }
                }
                float* pack = panel.PackRows(keys.Row(plan, level, start), keys.Stride(level), count);
                PaddedRowMath.Product(g, width, 1, pack, padded, count, result, padded, MicroTile.PaddedRows(count), padded);
                Store(sums[0], level, f, scale);
                pack = panel.PackRows(queries.Row(plan, level, start), queries.Stride(level), count);
                PaddedRowMath.Product(g, 1, width, pack, padded, count, result, padded, MicroTile.PaddedRows(count), padded);
                Store(sums[1], level, f, scale);
                pack = panel.PackRows(outputs.Row(plan, level, start), outputs.Stride(level), count);
                PaddedRowMath.Product(t, 1, width, pack, padded, count, result, padded, MicroTile.PaddedRows(count), padded);
                Store(sums[2], level, f, inside);
            }
        }

        // Writes a family's own gradients plus their share of the gradients of the family's means.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        void Store(TreeRows target, int level, int f, float factor)
        {
            int[] starts = plan.Starts[level];
            float size = plan.FamilySize(level, f);
            for (int node = starts[f]; node < starts[f + 1]; node++)
            {
                float* row = target.Row(plan, level, node);
                RowMath.Scale(factor, result + ((long)(node - starts[f]) * padded), row, headDim);
                if (level + 1 < plan.Depth)
                    RowMath.AddScaled(plan.Sizes[level][node] / size, target.Row(plan, level + 1, f), row, headDim);
            }
        }
    }
}
