using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// N new tokens, T cached tokens, K head dim, G batch times heads

/// <summary>Softmax attention of a few new tokens to cached keys and values.</summary>
internal static class CachedAttention
{
    /// <summary>Computes softmax(q k^T / sqrt(K)) v, [G, N, K].</summary>
    /// <param name="query">[G, N, K].</param>
    /// <param name="keys">[G, T, K].</param>
    /// <param name="values">[G, T, K].</param>
    /// <param name="hidden">[N, T] booleans, true = masked; every row sees at least one key. Null if every row sees all keys.</param>
    public static Tensor Attend(Tensor query, Tensor keys, Tensor values, Tensor? hidden)
    {
        using var scope = NewDisposeScope();
        var scores = (query / Math.Sqrt(query.shape[2])).bmm(keys.transpose(1, 2)); // [G, N, T]
        if (hidden is not null)
            scores = scores.masked_fill(hidden, double.NegativeInfinity);
        return scores.softmax(-1).bmm(values).MoveToOuterDisposeScope();
    }

    /// <summary>The causal mask of the tokens [start, start + length) over the keys [first, first + count).</summary>
    /// <returns>[N, T] booleans, true = the key comes after the token; null if every token sees all keys.</returns>
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
