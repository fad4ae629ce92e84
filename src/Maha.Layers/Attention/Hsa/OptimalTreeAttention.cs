using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, n nodes of a level, M families, b children, K key dim, V value dim, R roots

/// <summary>The optimal form: the optimum under the block constraint, by one pass up the tree and one down.</summary>
/// <remarks>
/// <para>Up, for the children B and C of a node A: logits l(B, C) = log|C| + scale * mean query of B . mean key of C, l(B, B) = -phi(B), or scale * q.k for a
/// token; weights t = softmax over C, Z(B) = log-sum-exp over C, phi(A) = -sum over B of |B| / |A| Z(B).</para>
/// <para>Down, from output 0 and mass 1 at the root: the output of B is that of A plus mass(A) * sum over C other than B of t(B, C) * mean value of C, and
/// mass(B) = mass(A) t(B, B).</para>
/// </remarks>
internal static class OptimalTreeAttention
{
    /// <summary>Computes the attention. Counts are [G or 1, N], 0 or 1, and the operands are 0 where the count is 0.</summary>
    public static HierarchicalResult Apply(Tensor query, Tensor key, Tensor value, Tensor counts, HierarchyLevel[] levels, HierarchicalSettings settings)
    {
        var type = query.dtype;
        var mixed = new Tensor[levels.Length]; // [G, M, b, V]: the mixed values of a child's siblings
        var kept = new Tensor[levels.Length]; // [G, M, b]: the mass that stays inside a child
        Tensor? energy = null; // phi, [G, n]
        for (int level = 0; level < levels.Length; level++)
        {
            var tree = levels[level];
            var (queries, keys, values) = (tree.Group(query), tree.Group(key), tree.Group(value)); // [G, M, b, ...]
            var sizes = tree.Group(counts); // [G or 1, M, b]
            var logits = (queries * settings.Scale).CheckedMatmul(keys.transpose(-2, -1)).to(counts.dtype) + sizes.log().unsqueeze(-2); // [G, M, b, b]
            var self = eye(tree.Branching, dtype: ScalarType.Bool, device: query.device);
            if (energy is not null)
            {
                var inside = tree.Group(energy).neg().masked_fill(sizes.eq(0), double.NegativeInfinity); // [G, M, b]
                logits = inside.unsqueeze(-1).where(self, logits);
            }
            else if (!settings.SelfAttend)
            {
                logits = logits.masked_fill(self, double.NegativeInfinity);
            }
            var (weights, partition) = SafeSoftmax.Apply(logits); // [G, M, b, b], [G, M, b]
            var shares = TreePooling.Shares(sizes);

            // An empty node has share 0 and partition minus infinity: their product would be NaN.
            energy = (partition * shares).masked_fill(sizes.eq(0), 0).sum(-1).neg(); // [G, M]
            if (level > 0)
            {
                kept[level] = weights.diagonal(0, -2, -1); // [G, M, b]
                weights = weights.masked_fill(self, 0);
            }
            mixed[level] = weights.to(values.dtype).CheckedMatmul(values); // [G, M, b, V]
            if (level + 1 < levels.Length)
                (query, key, value) = (TreePooling.Mean(queries, shares), TreePooling.Mean(keys, shares), TreePooling.Mean(values, shares)); // [G, M, ...]
            counts = sizes.sum(-1); // [G or 1, M]
        }

        var output = levels[^1].Ungroup(mixed[^1]); // [G, n, V]
        var mass = levels.Length > 1 ? levels[^1].Ungroup(kept[^1]) : null; // [G, n]
        for (int level = levels.Length - 2; level >= 0; level--)
        {
            output = levels[level].Ungroup(output.unsqueeze(2) + (mass!.unsqueeze(-1).unsqueeze(-1) * mixed[level]));
            if (level > 0)
                mass = levels[level].Ungroup(mass.unsqueeze(-1) * kept[level]);
        }
        return new HierarchicalResult(output.to(type), energy!);
    }
}
