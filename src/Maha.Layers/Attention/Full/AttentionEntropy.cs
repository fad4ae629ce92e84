using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, R sampled rows

/// <summary>The entropy of softmax attention: how widely its rows spread.</summary>
/// <remarks>
/// H_i = log-sum-exp of the row's logits - sum over j of p_ij s_ij. Only R rows of each document are sampled, so that the cost is O(R N D) even if attention
/// itself is quadratic.
/// </remarks>
internal static class AttentionEntropy
{
    /// <summary>R, the most rows of a document that are sampled. With four or more heads, their mean is known to about one percent.</summary>
    public const int MaxRows = 64;

    /// <summary>The mean entropy of each document's rows, [B], in nats; NaN for a document without tokens.</summary>
    /// <param name="query">[B, N, D].</param>
    /// <param name="key">[B, N, D].</param>
    /// <param name="plan">The heads, and which queries see which keys.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    public static Tensor Mean(Tensor query, Tensor key, WindowPlan plan, int[] validLengths)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var device = query.device;
        int rows = Math.Min(MaxRows, plan.Length);
        long[] places = [.. validLengths.SelectMany(n => Enumerable.Range(0, rows).Select(r => (long)(((2L * r) + 1) * n / (2L * rows))))];
        var row = tensor(places, [plan.Batch, rows, 1], device: device); // [B, R, 1]
        var scores = Scores(query, key, row, plan, validLengths); // [B, H, R, N]
        var entropy = scores.logsumexp(-1) - (scores.softmax(-1) * scores).sum(-1); // [B, H, R]
        var empty = tensor([.. validLengths.Select(n => n == 0)], device: device); // [B]
        return entropy.mean([1, 2]).masked_fill(empty, double.NaN).MoveToOuterDisposeScope();
    }

    /// <summary>The attention weights of all rows, [B, H, N, N]; the rows of padding are undefined. Memory O(N^2).</summary>
    public static Tensor Weights(Tensor query, Tensor key, WindowPlan plan, int[] validLengths)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var row = arange(plan.Length, dtype: ScalarType.Int64, device: query.device).reshape(1, plan.Length, 1).expand(plan.Batch, -1, -1);
        return Scores(query, key, row, plan, validLengths).softmax(-1).MoveToOuterDisposeScope();
    }

    // The logits of the given rows [B, R, 1] of each document, with a floor for keys that a row does not see.
    private static Tensor Scores(Tensor query, Tensor key, Tensor row, WindowPlan plan, int[] validLengths)
    {
        var precise = query.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var invalid = TokenMasks.Invalid(validLengths, plan.Length, query.device).unsqueeze(1); // [B, 1, N]
        var queries = AttentionHeads.Split(query.gather(1, row.expand(-1, -1, query.shape[2])), plan.Heads); // [B, H, R, K]
        var keys = AttentionHeads.Split(key.masked_fill(invalid.transpose(1, 2), 0), plan.Heads); // [B, H, N, K]
        var scores = (queries / Math.Sqrt(plan.HeadDim)).CheckedMatmul(keys.transpose(-2, -1)).to(precise); // [B, H, R, N]
        return scores.masked_fill(Unseen(row, plan).logical_or(invalid).unsqueeze(1), FullAttention.Floor(precise));
    }

    // The keys that a row does not see, [B, R, N].
    private static Tensor Unseen(Tensor row, WindowPlan plan)
    {
        var key = arange(plan.Length, dtype: ScalarType.Int64, device: row.device); // [N]
        var blocks = (key / plan.BlockLength).to(ScalarType.Int64) - (row / plan.BlockLength).to(ScalarType.Int64); // [B, R, N]
        var unseen = blocks.abs().gt(1);
        if (plan.Band)
            unseen = unseen.logical_or((key - row).abs().gt(plan.Window));
        if (plan.GlobalKeys > 0)
            unseen = unseen.logical_and(key.ge(plan.GlobalKeys));
        if (plan.Causal)
            return unseen.logical_or(key.gt(row));
        return plan.GlobalKeys > 0 ? unseen.logical_and(row.ge(plan.GlobalKeys)) : unseen;
    }
}
