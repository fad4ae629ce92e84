using Maha.Layers.Attention;
using Maha.Onnx.Graph;

namespace Maha.Onnx.Layers;

// B batch, N length, D width, H heads, K head dim, w tokens of a block, M blocks, g global tokens

/// <summary>Attention inside windows as a graph: a block of w tokens attends to its own and both neighboring blocks, as WindowAttention does.</summary>
/// <param name="block">The heads.</param>
/// <param name="window">w.</param>
internal sealed class WindowGraph(MahaBlockOptions block, int window)
{
    /// <summary>Whether a token sees only the keys that are at most w tokens away.</summary>
    public bool IsBand { get; init; }

    /// <summary>g, the number of tokens at the start that are keys of every token in addition.</summary>
    public int NumGlobal { get; init; }

    /// <summary>Computes the attention.</summary>
    /// <param name="queriesAndKeys">[B, N, 2D], the queries first.</param>
    /// <param name="values">[B, N, D].</param>
    /// <param name="rows">The lengths.</param>
    /// <returns>[B, N, D], 0 at padding.</returns>
    public OnnxValue Apply(OnnxValue queriesAndKeys, OnnxValue values, TokenRows rows)
    {
        int width = block.DModel;
        double scale = 1 / Math.Sqrt(width / block.NumHeads);
        var size = rows.Length.Min(window); // w
        var blocks = rows.Length.CeilDivide(size); // M
        var global = rows.Length.Min(NumGlobal); // g
        var packed = rows.Clear(queriesAndKeys);
        var query = Heads(Blocked(packed.Slice(2, 0, width))) * scale; // [B, M, H, w, K]
        var key = Heads(WithNeighbors(packed.Slice(2, width, 2L * width))); // [B, M, H, g + 3w, K]
        var value = Heads(WithNeighbors(rows.Clear(values)));
        var scores = query.MatMul(key.Transpose(0, 1, 2, 4, 3)); // [B, M, H, w, g + 3w]
        var weights = Hidden().Unsqueeze(2).Where(OnnxValue.Floor, scores).Softmax();
        var attended = weights.MatMul(value).Transpose(0, 1, 3, 2, 4).Reshape(rows.Batch, blocks * size, width);
        return rows.Clear(attended.Slice(1, 0, rows.Length));

        // [B, N, D] to [B, M, w, D].
        OnnxValue Blocked(OnnxValue tokens) => tokens.Pad(1, 0, (blocks * size) - rows.Length).Reshape(rows.Batch, blocks, size, width);

        // [B, M, n, D] to [B, M, H, n, K].
        OnnxValue Heads(OnnxValue tokens) => tokens
            .Reshape(rows.Batch, blocks, tokens.Dim(2), block.NumHeads, width / block.NumHeads)
            .Transpose(0, 1, 3, 2, 4);

        OnnxValue WithNeighbors(OnnxValue tokens)
        {
            var padded = Blocked(tokens).Pad(1, 1, 1); // [B, M + 2, w, D]
            OnnxValue[] neighbors = [padded.Slice(1, 0, blocks), padded.Slice(1, 1, blocks + 1), padded.Slice(1, 2, blocks + 2)];
            return NumGlobal == 0
                ? OnnxValue.Concat(2, neighbors)
                : OnnxValue.Concat(2, [tokens.Slice(1, 0, global).Unsqueeze(1).Expand(rows.Batch, blocks, global, width), .. neighbors]);
        }

        // The keys that a query does not see, [B, M, 1 or w, g + 3w].
        OnnxValue Hidden()
        {
            var start = (blocks.Range() * size).Unsqueeze(1, 2); // [M, 1, 1]
            var near = start - size + (size * 3).Range(); // [M, 1, 3w]
            var end = rows.Lengths.Unsqueeze(2, 3); // [B, 1, 1, 1]
            var unseen = near < 0;
            if (IsBand)
            {
                var own = start + size.Range().Unsqueeze(1); // [M, w, 1]
                unseen |= ((near - own).Abs() > window) & (near >= NumGlobal);
            }
            var hidden = unseen.Unsqueeze(0) | (near.Unsqueeze(0) >= end); // [B, M, 1 or w, 3w]
            if (NumGlobal == 0)
                return hidden;

            // A global key inside the window must not count twice.
            var first = global.Range(); // [g]
            var twice = (first >= (start - size)).Unsqueeze(0) | (first >= end); // [B, M, 1, g]
            return OnnxValue.Concat(3, twice.Expand(rows.Batch, blocks, hidden.Dim(2), global), hidden);
        }
    }
}
