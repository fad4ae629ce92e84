using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, M families, b children, c columns of a level (b, or 2b with overlap), r tokens under a family, K key dim, V value dim

/// <summary>The key-tied forms: every token attends to itself and to the mean keys of the siblings of itself and of its ancestors.</summary>
/// <remarks>
/// weight(i, C) = |C| exp(scale * q_i . mean key of C) / Z_i for the nodes C that partition the tokens that token i sees. For each row this is the distribution
/// nearest to flat softmax among those constant on the nodes. The causal forms see siblings to the left only: these are complete at token i, and no later
/// token is read.
/// </remarks>
internal static class KeyTiedAttention
{
    /// <summary>Computes the attention. Counts are [G or 1, N], 0 or 1, and the operands are 0 where the count is 0.</summary>
    public static HierarchicalResult Apply(Tensor query, Tensor key, Tensor value, Tensor counts, HierarchyLevel[] levels, HierarchicalSettings settings)
    {
        bool overlap = settings.Form == HierarchicalForm.CausalOverlap;
        var type = value.dtype;
        query = query * settings.Scale;
        var logits = new Tensor[levels.Length]; // [G, N, c]
        var columns = new Tensor[levels.Length]; // [G, M, c, V]
        for (int level = 0; level < levels.Length; level++)
        {
            var tree = levels[level];
            var (keys, values, sizes) = (tree.Group(key), tree.Group(value), tree.Group(counts)); // [G, M, b, ...]
            var seenKeys = overlap ? WithFamilyBefore(keys) : keys; // [G, M, c, K]
            columns[level] = overlap ? WithFamilyBefore(values) : values;
            var seenSizes = overlap ? WithFamilyBefore(sizes) : sizes; // [G or 1, M, c]
            var products = tree.GroupTokens(query).CheckedMatmul(seenKeys.to(type).transpose(-2, -1)); // [G, M, r, c]
            var scores = products.to(counts.dtype) + seenSizes.log().unsqueeze(-2); // [G, M, r, c]
            logits[level] = tree.UngroupTokens(scores.masked_fill(Hidden(tree, level, settings), double.NegativeInfinity));
            if (level + 1 < levels.Length)
            {
                var shares = TreePooling.Shares(sizes);
                (key, value) = (TreePooling.Mean(keys, shares), TreePooling.Mean(values, shares)); // [G, M, ...]
            }
            counts = sizes.sum(-1);
        }

        var (weights, partition) = SafeSoftmax.Apply(levels.Length == 1 ? logits[0] : cat(logits, -1)); // [G, N, sum of c], [G, N]
        Tensor? output = null;
        long first = 0;
        for (int level = 0; level < levels.Length; level++)
        {
            long count = logits[level].shape[2];
            var share = levels[level].GroupTokens(weights.narrow(2, first, count)); // [G, M, r, c]
            var seen = levels[level].UngroupTokens(share.to(type).CheckedMatmul(columns[level].to(type))); // [G, N, V]
            output = output is null ? seen : output + seen;
            first += count;
        }
        return new HierarchicalResult(output!, partition);
    }

    // [G, M, b, ...] as [G, M, 2b, ...]: each family after the family before it; zeros before the first.
    private static Tensor WithFamilyBefore(Tensor families)
    {
        long[] padding = new long[2 * (families.dim() - 1)];
        padding[^2] = 1;
        var before = nn.functional.pad(families, padding).narrow(1, 0, families.shape[1]);
        return cat([before, families], 2);
    }

    // The columns of its family and, with overlap, of the family before that a token does not see: [M or 1, r, c] booleans.
    private static Tensor Hidden(HierarchyLevel tree, int level, HierarchicalSettings settings)
    {
        using var scope = NewDisposeScope();
        var own = tree.ChildOfToken; // [M or 1, r, 1]
        var column = arange(tree.Branching, dtype: ScalarType.Int64, device: own.device); // [b]
        if (settings.Form == HierarchicalForm.KeyTied)
        {
            return level > 0 || !settings.SelfAttend
                ? column.eq(own).MoveToOuterDisposeScope()
                : zeros([1, 1, 1], ScalarType.Bool, own.device).MoveToOuterDisposeScope();
        }
        if (settings.Form == HierarchicalForm.Causal)
            return (level == 0 && settings.SelfAttend ? column.gt(own) : column.ge(own)).MoveToOuterDisposeScope();

        // With overlap the node just before the token's own ancestor is seen as its children, at the level below.
        var inFamily = level > 0 ? column.ge(own - 1) : settings.SelfAttend ? column.gt(own) : column.ge(own); // [M or 1, r, b]
        var before = tree.ChildrenBefore; // [M, 1, 1]
        var end = level > 0 ? before - own.eq(0).to(ScalarType.Int64) : before.expand(-1, own.shape[1], -1); // [M, r, 1]
        return cat([column.ge(end), inFamily.expand(tree.Families, -1, -1)], 2).MoveToOuterDisposeScope();
    }
}
