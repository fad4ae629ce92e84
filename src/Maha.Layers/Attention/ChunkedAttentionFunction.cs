using Maha.Layers.Autograd;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, C queries of a chunk

/// <summary>Full attention in chunks of queries with a backward pass that recomputes the probabilities. Arguments: query, key, value [B, N, D], heads, padding [B, N] or null, causal.</summary>
internal sealed class ChunkedAttentionFunction : SingleOutputFunction<ChunkedAttentionFunction>
{
    private const string HeadsKey = "heads";
    private const string CausalKey = "causal";

    // Scores of a chunk, in elements: they stay in the cache.
    private const long ChunkElements = 1 << 20;

    // Queries of a chunk, at least: flatter matrix products lose more than the cache gives.
    private const long MinQueries = 128;

    /// <summary>softmax(q k^T / sqrt(K)) v, [B, N, D].</summary>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, int numHeads, Tensor? invalid, bool isCausal) =>
        CallSingle(query, key, value, numHeads, invalid, isCausal);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (query, key, value, heads) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2], (int)arguments[3]);
        var invalid = arguments[4] as Tensor;
        bool isCausal = (bool)arguments[5];
        using var scope = NewDisposeScope();
        var (q, k, v) = (Heads(query, heads, Scale(query, heads)), Heads(key, heads), Heads(value, heads)); // [B * H, N, K]
        var hidden = Hidden(invalid, heads);
        var output = empty_like(q);
        foreach (var (start, count) in Chunks(q))
        {
            using var chunk = NewDisposeScope();
            long seen = isCausal ? start + count : v.shape[1];
            var probabilities = Probabilities(q.narrow(1, start, count), k.narrow(1, 0, seen), hidden, isCausal);
            output.narrow(1, start, count).copy_(probabilities.bmm(v.narrow(1, 0, seen)));
        }
        var merged = Merge(output, heads);
        ctx.save_for_backward(invalid is null ? [query, key, value] : [query, key, value, invalid]);
        ctx.save_data(HeadsKey, heads);
        ctx.save_data(CausalKey, isCausal);
        return merged.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        int heads = (int)ctx.get_data(HeadsKey);
        bool isCausal = (bool)ctx.get_data(CausalKey);
        double scale = Scale(saved[0], heads);
        var (q, k, v) = (Heads(saved[0], heads, scale), Heads(saved[1], heads), Heads(saved[2], heads));
        var upstream = Heads(gradient, heads);
        var hidden = Hidden(saved.Count > 3 ? saved[3] : null, heads);
        var (dq, dk, dv) = (empty_like(q), zeros_like(k), zeros_like(v));
        foreach (var (start, count) in Chunks(q))
        {
            using var chunk = NewDisposeScope();
            var (queries, incoming) = (q.narrow(1, start, count), upstream.narrow(1, start, count));
            long seen = isCausal ? start + count : k.shape[1];
            var (keys, values) = (k.narrow(1, 0, seen), v.narrow(1, 0, seen));
            var probabilities = Probabilities(queries, keys, hidden, isCausal); // [B * H, C, N]
            var scores = incoming.bmm(values.transpose(1, 2)); // dP, then dS
            var delta = (probabilities.bmm(values) * incoming).sum(-1, keepdim: true); // rowsum(P * dP) from the narrow side
            scores.sub_(delta).mul_(probabilities);
            dq.narrow(1, start, count).copy_(scores.bmm(keys) * scale);
            dk.narrow(1, 0, seen).add_(scores.transpose(1, 2).bmm(queries));
            dv.narrow(1, 0, seen).add_(probabilities.transpose(1, 2).bmm(incoming));
        }
        return [Merge(dq, heads), Merge(dk, heads), Merge(dv, heads), null, null, null];
    }

    private static double Scale(Tensor query, int heads) => 1 / Math.Sqrt(query.shape[2] / heads);

    private static Tensor Heads(Tensor tokens, int heads, double scale = 1)
    {
        var split = FullAttention.SplitHeads(tokens, heads);
        return (scale == 1 ? split : split * scale).contiguous().flatten(0, 1);
    }

    private static Tensor Merge(Tensor heads, int numHeads) =>
        heads.unflatten(0, heads.shape[0] / numHeads, numHeads).transpose(1, 2).flatten(2).contiguous();

    private static Tensor? Hidden(Tensor? invalid, int heads) =>
        invalid?.repeat_interleave(heads, 0).unsqueeze(1); // [B * H, 1, N]

    private static Tensor Probabilities(Tensor queries, Tensor keys, Tensor? hidden, bool isCausal)
    {
        var scores = queries.bmm(keys.transpose(1, 2)); // [B * H, C, N]
        if (hidden is not null)
            scores.masked_fill_(hidden, FullAttention.Floor(scores.dtype));
        if (isCausal)
        {
            // The last keys are the queries' own positions.
            long count = queries.shape[1];
            var future = ones([count, count], ScalarType.Bool, scores.device).triu(1);
            scores.narrow(2, keys.shape[1] - count, count).masked_fill_(future, double.NegativeInfinity);
        }
        return scores.softmax(-1);
    }

    private static IEnumerable<(long Start, long Count)> Chunks(Tensor queries)
    {
        long length = queries.shape[1], step = Math.Min(length, Math.Max(MinQueries, ChunkElements / (queries.shape[0] * length)));
        for (long start = 0; start < length; start += step)
            yield return (start, Math.Min(step, length - start));
    }
}
