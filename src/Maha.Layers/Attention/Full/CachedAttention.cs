using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N new tokens, T keys, D width, H heads, K head dim, G = B * H

/// <summary>Softmax attention of a few new tokens to keys and values that are kept.</summary>
internal static class CachedAttention
{
    /// <summary>[B, N, D] as [G, N, K].</summary>
    public static Tensor SplitHeads(Tensor tokens, int numHeads)
    {
        using var scope = NewDisposeScope();
        return FullAttention.SplitHeads(tokens, numHeads).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>[G, N, K] as [B, N, D].</summary>
    public static Tensor MergeHeads(Tensor heads, int numHeads)
    {
        using var scope = NewDisposeScope();
        return heads.unflatten(0, heads.shape[0] / numHeads, numHeads).transpose(1, 2).flatten(2).MoveToOuterDisposeScope();
    }

    /// <summary>softmax(q k^T / sqrt(K)) v, [G, N, K].</summary>
    /// <param name="query">[G, N, K].</param>
    /// <param name="keys">[G, T, K].</param>
    /// <param name="values">[G, T, K].</param>
    /// <param name="hidden">[N, T] booleans, true = unseen; every row has a key that is seen. Null where all are.</param>
    public static Tensor Attend(Tensor query, Tensor keys, Tensor values, Tensor? hidden)
    {
        using var scope = NewDisposeScope();
        var scores = (query / Math.Sqrt(query.shape[2])).bmm(keys.transpose(1, 2)); // [G, N, T]
        if (hidden is not null)
            scores = scores.masked_fill(hidden, double.NegativeInfinity);
        return scores.softmax(-1).bmm(values).MoveToOuterDisposeScope();
    }

    /// <summary>Which of the keys [first, first + count) the tokens [start, start + length) don't see since they come later: [N, T]; null where all are seen.</summary>
    public static Tensor? Later(long start, long length, long first, long count, Device device)
    {
        if (length == 1 && first + count == start + 1)
            return null;
        using var scope = NewDisposeScope();
        var own = (arange(length, dtype: ScalarType.Int64, device: device) + start).unsqueeze(-1); // [N, 1]
        var keys = arange(count, dtype: ScalarType.Int64, device: device) + first; // [T]
        return keys.gt(own).MoveToOuterDisposeScope();
    }
}
