using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B batch, N length, F features, K width

/// <summary>The spectral part of a document vector as a graph, as SpectralEmbedding computes it.</summary>
internal static class SpectralGraph
{
    /// <summary>Computes the part.</summary>
    /// <param name="weights">The weights of the part.</param>
    /// <param name="vocabSize">The number of token ids.</param>
    /// <param name="numBuckets">The number of buckets of pairs of tokens.</param>
    /// <param name="maxTokens">The number of tokens that are used; null for all.</param>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="rows">The lengths.</param>
    /// <returns>[B, K].</returns>
    public static OnnxValue Apply(GraphWeights weights, int vocabSize, int numBuckets, int? maxTokens, OnnxValue tokenIds, TokenRows rows)
    {
        var builder = weights.Builder;
        if (maxTokens is { } most)
        {
            var used = rows.Length.Min(most);
            (tokenIds, rows) = (tokenIds.Slice(1, 0, used), TokenRows.FromLengths(rows.Lengths.Min(most), used, most));
        }
        var ids = rows.Valid.Where(tokenIds, 0);
        var features = ids;
        var present = rows.Counts();
        if (numBuckets > 0)
        {
            var before = ids.Pad(1, 1, 0).Slice(1, 0, rows.Length);
            var pairs = Bucket(before, ids, numBuckets) + vocabSize;
            features = OnnxValue.Concat(1, ids, pairs);
            present = OnnxValue.Concat(1, present, (rows.Valid & (rows.Length.Range() > 0)).Cast(DataType.Float));
        }
        var zeros = builder.Constant(DataType.Float, [0]).Expand(rows.Batch, vocabSize + numBuckets); // [B, F]
        var counts = builder.Node("ScatterElements", DataType.Float, [zeros, features, present], ("axis", 1L), ("reduction", "add"));
        var dampened = (counts > 0).Where(counts.Max(1).Log() + 1, 0) * weights.Get("rarity");
        var norm = (dampened * dampened).Sum(1, keepDim: true).Sqrt().Max(1e-12);
        return (dampened / norm).MatMul(weights.Get("table"));
    }

    // As LexicalFeatures hashes a pair of ids, in integers of 64 bits that wrap around.
    private static OnnxValue Bucket(OnnxValue first, OnnxValue second, int numBuckets)
    {
        var builder = first.Builder;
        var mixed = (first * builder.Integer(unchecked((long)0x9E3779B97F4A7C15))) + (second * builder.Integer(unchecked((long)0xC2B2AE3D27D4EB4F)));
        mixed = builder.Node("BitwiseXor", DataType.Int64, [mixed, ShiftRight(mixed, 29)]) * builder.Integer(unchecked((long)0xBF58476D1CE4E5B9));

        // The high 64 bits of the product with the number of buckets, from the halves of the hash.
        var high = ShiftRight(mixed, 32);
        var low = mixed - (high * (double)(1L << 32));
        return ShiftRight((high * numBuckets) + ShiftRight(low * numBuckets, 32), 32);
    }

    private static OnnxValue ShiftRight(OnnxValue value, int bits)
    {
        var builder = value.Builder;
        var amount = builder.Integer(bits).Cast(DataType.Uint64);
        return builder.Node("BitShift", DataType.Uint64, [value.Cast(DataType.Uint64), amount], ("direction", "RIGHT")).Cast(DataType.Int64);
    }
}
