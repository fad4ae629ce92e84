using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, K key dim, V value dim, R roots

/// <summary>Hierarchical self-attention by tensor operators: for every device and type, and the slow twin of the kernels.</summary>
/// <remarks>
/// <para>Tokens are the leaves of a tree. All weights from the tokens of a node to those of a sibling are one number; under this constraint the weights are those
/// nearest to flat softmax attention in the sum of KL(weights || softmax) over the rows (Amizadeh et al., 2025, theorem 3.2). The key-tied forms let every
/// row choose its own weights, which brings them nearer to flat attention and, seeing left siblings only, makes a decoder.</para>
/// <para>Cost for trees of families of b: 4 * b * N * K (1 + 1/b + ...) floating-point operations in the optimal form, 4 * N * K * (sum of b over the levels) in the key-tied ones.</para>
/// </remarks>
internal static class HierarchicalAttention
{
    /// <summary>Attends.</summary>
    /// <param name="query">[G, N, K].</param>
    /// <param name="key">[G, N, K].</param>
    /// <param name="value">[G, N, V].</param>
    /// <param name="layout">The trees over the N tokens.</param>
    /// <param name="settings">The form, the scale of the logits, whether a token sees itself.</param>
    /// <param name="ignored">[G or 1, N] booleans, true = nobody's key, output 0; null where all tokens count.</param>
    public static HierarchicalResult Apply(Tensor query, Tensor key, Tensor value, HierarchyLayout layout, HierarchicalSettings settings, Tensor? ignored = null)
    {
        using var scope = NewDisposeScope();
        if (ignored is not null)
        {
            // Not by a product with the mask: what stands in padding may be no number.
            var rows = ignored.unsqueeze(-1);
            (query, key, value) = (query.masked_fill(rows, 0), key.masked_fill(rows, 0), value.masked_fill(rows, 0));
        }
        var precise = query.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? ScalarType.Float32 : query.dtype;
        var counts = ignored is null
            ? ones([1, query.shape[1]], precise, query.device)
            : ignored.logical_not().to(precise); // [G or 1, N]
        var levels = layout.Bind(query.device);
        var result = settings.Form == HierarchicalForm.Optimal
            ? OptimalTreeAttention.Apply(query, key, value, counts, levels, settings)
            : KeyTiedAttention.Apply(query, key, value, counts, levels, settings);
        if (ignored is not null)
            result = result with { Output = result.Output.masked_fill(ignored.unsqueeze(-1), 0) };
        return result.MoveToOuterDisposeScope();
    }
}
