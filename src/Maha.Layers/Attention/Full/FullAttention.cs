using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim

/// <summary>Exact softmax attention of every token to every valid token, without an N x N tensor.</summary>
/// <remarks>Uses libtorch's fused operator. Cost: 4 * N^2 * D floating-point operations, memory O(N * D).</remarks>
internal static class FullAttention
{
    /// <summary>Computes the attention. Invalid tokens are masked, and their output is 0.</summary>
    /// <param name="query">[B, N, D].</param>
    /// <param name="key">[B, N, D].</param>
    /// <param name="value">[B, N, D].</param>
    /// <param name="numHeads">H.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <param name="invalid">[B, N], the <see cref="TokenMasks.Padding"/> of these lengths; null where nothing is padded.</param>
    /// <param name="isCausal">Whether a query sees only keys at or before itself.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, int numHeads, int[] validLengths, Tensor? invalid, bool isCausal)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[1];

        // Padding is on the right, so a causal query of the document never sees it. A document without tokens sees its padding, and its output is cleared
        // with that of other padding: where all keys of a row are masked, the gradients of the fused operator on a GPU are not finite in bfloat16.
        var masked = isCausal || invalid is null ? null
            : validLengths.Contains(0) ? TokenMasks.Invalid([.. validLengths.Select(n => n == 0 ? (int)length : n)], length, query.device) : invalid;
        var attended = Fused(query, key, value, numHeads, masked, isCausal);
        return TokenMasks.Clear(attended, invalid).MoveToOuterDisposeScope();
    }

    /// <summary>The score of a masked key.</summary>
    /// <remarks>It is finite, so that rows of padding stay numbers, and so low that its exponential is 0 next to any real score.</remarks>
    internal static double Floor(ScalarType type) => type == ScalarType.Float16 ? -6e4 : -1e30;

    private static Tensor Fused(Tensor query, Tensor key, Tensor value, int numHeads, Tensor? masked, bool isCausal)
    {
        Tensor? bias = null;
        if (masked is not null)
        {
            bias = zeros_like(masked, query.dtype).masked_fill(masked, Floor(query.dtype)); // [B, N]
            bias = bias.unsqueeze(1).unsqueeze(1).expand(-1, numHeads, query.shape[1], -1); // [B, H, N, N]
        }
        var attended = FusedAttention.Apply(Heads(query), Heads(key), Heads(value), bias, isCausal);
        return AttentionHeads.Merge(attended);

        Tensor Heads(Tensor tokens) => AttentionHeads.Split(tokens, numHeads);
    }
}
