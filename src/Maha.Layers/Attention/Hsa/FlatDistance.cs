using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, R trees, C queries of a chunk

/// <summary>The distance of hierarchical attention from flat softmax attention of the same queries and keys.</summary>
/// <remarks>
/// No attention weights are computed. The sum over rows of KL(weights || softmax) is the sum of the rows' flat log-sum-exp + n * phi(root) in the optimal
/// form, and the sum of the differences of the two log-sum-exps in the key-tied forms. Time 2 * N^2 * K for the flat log-sum-exp, in chunks of queries; memory
/// O(N).
/// </remarks>
internal static class FlatDistance
{
    // The most logits in memory at a time, in elements.
    private const long ChunkElements = 1 << 20;

    /// <summary>The sum over the rows of each tree of KL(weights || softmax), [G, R], without gradient.</summary>
    /// <remarks>The softmax is over the tokens that the form can see. A row that sees no token counts 0.</remarks>
    public static Tensor Sum(Tensor query, Tensor key, HierarchyLayout layout, HierarchicalSettings settings, Tensor? ignored = null)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var result = HierarchicalAttention.Apply(query, key, key, layout, settings, ignored);
        bool optimal = settings.Form == HierarchicalForm.Optimal;
        var sums = new List<Tensor>(layout.Roots);
        long start = 0;
        foreach (int length in layout.TreeLengths)
        {
            var hidden = ignored?.narrow(1, start, length);
            bool causal = settings.Form is HierarchicalForm.Causal or HierarchicalForm.CausalOverlap;
            var flat = LogSums(query.narrow(1, start, length) * settings.Scale, key.narrow(1, start, length), hidden, causal, settings.SelfAttend); // [G, N]
            var rows = optimal ? flat : flat - result.LogPartition.narrow(1, start, length);
            var empty = flat.eq(double.NegativeInfinity);
            var sum = rows.masked_fill(hidden is null ? empty : empty.logical_or(hidden), 0).sum(1); // [G]
            if (optimal)
            {
                var phi = result.LogPartition.select(1, sums.Count);
                phi = phi.masked_fill(phi.isinf(), 0); // a single token that does not see itself
                sum = sum + (phi * (hidden is null ? full([1], length, phi.dtype, phi.device) : hidden.logical_not().to(phi.dtype).sum(1)));
            }
            sums.Add(sum);
            start += length;
        }
        return stack(sums, 1).MoveToOuterDisposeScope();
    }

    // The log-sum-exp of every row of flat attention, [G, N].
    private static Tensor LogSums(Tensor query, Tensor key, Tensor? hidden, bool causal, bool self)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[1], chunkLength = Math.Max(32, ChunkElements / (query.shape[0] * length));
        if (hidden is not null)
            (query, key) = (query.masked_fill(hidden.unsqueeze(-1), 0), key.masked_fill(hidden.unsqueeze(-1), 0));
        var position = arange(length, dtype: ScalarType.Int64, device: query.device);
        var sums = SequenceChunks.Apply(length, chunkLength, (start, count) =>
        {
            var logits = query.narrow(1, start, count).CheckedMatmul(key.transpose(1, 2)); // [G, C, N]
            logits = logits.to(logits.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
            if (hidden is not null)
                logits = logits.masked_fill(hidden.unsqueeze(1), double.NegativeInfinity);
            var own = position.narrow(0, start, count).unsqueeze(-1);
            if (causal)
                logits = logits.masked_fill(position.gt(own), double.NegativeInfinity);
            if (!self)
                logits = logits.masked_fill(position.eq(own), double.NegativeInfinity);
            return logits.logsumexp(-1); // [G, C]
        });
        return sums.MoveToOuterDisposeScope();
    }
}
