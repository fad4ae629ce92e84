using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, K key dim, V value dim, R roots

/// <summary>Hierarchical self-attention by tensor operators, on every device and in every element type. The tests compare the kernels with it.</summary>
/// <remarks>
/// <para>Tokens are the leaves of a tree. All weights from the tokens of a node to the tokens of a sibling are equal. Under this constraint, the optimal form
/// has the weights nearest to flat softmax attention in the sum of KL(weights || softmax) over the rows (Amizadeh et al., 2025, theorem 3.2). In the key-tied
/// forms every row has its own weights. They are nearer to flat attention, and causal if they see left siblings only.</para>
/// <para>Cost for trees with b children per node: 4 * b * N * K (1 + 1/b + ...) floating-point operations in the optimal form,
/// 4 * N * K * (sum of b over the levels) in the key-tied forms.</para>
/// </remarks>
internal static class HierarchicalAttention
{
    /// <summary>Computes the attention.</summary>
    /// <param name="query">[G, N, K].</param>
    /// <param name="key">[G, N, K].</param>
    /// <param name="value">[G, N, V].</param>
    /// <param name="layout">The trees over the N tokens.</param>
    /// <param name="settings">The form, the scale of the logits, and whether a token sees itself.</param>
    /// <param name="ignored">[G or 1, N] booleans, true = the token is masked and its output is 0; null if no token is masked.</param>
    public static HierarchicalResult Apply(
        Tensor query, Tensor key, Tensor value, HierarchyLayout layout, HierarchicalSettings settings, Tensor? ignored = null)
    {
        using var scope = NewDisposeScope();
        if (ignored is not null)
        {
            // Not by a product with the mask: padding may hold NaN.
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
