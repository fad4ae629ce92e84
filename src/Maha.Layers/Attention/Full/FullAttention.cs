using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim

/// <summary>Exact softmax attention of every token to every valid token, without an N x N tensor.</summary>
/// <remarks>
/// By libtorch's fused operator. Cost: 4 * N^2 * D floating-point operations, memory O(N * D).
/// </remarks>
internal static class FullAttention
{
    /// <summary>Attends; invalid tokens give 0 and are nobody's key.</summary>
    /// <param name="query">[B, N, D].</param>
    /// <param name="key">[B, N, D].</param>
    /// <param name="value">[B, N, D].</param>
    /// <param name="numHeads">H.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <param name="isCausal">Whether a query sees only keys at or before itself.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, int numHeads, int[] validLengths, bool isCausal = false)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[1];

        // Padding is on the right, so a causal query of the document never sees it.
        bool padded = validLengths.Any(n => n < length);
        var invalid = padded ? TokenMasks.Invalid(validLengths, length, query.device) : null; // [B, N]
        var attended = Fused(query, key, value, numHeads, isCausal ? null : invalid, isCausal);
        return (invalid is null ? attended : attended.masked_fill(invalid.unsqueeze(-1), 0)).MoveToOuterDisposeScope();
    }

    /// <summary>[B, N, D] as [B, H, N, K].</summary>
    internal static Tensor SplitHeads(Tensor tokens, int numHeads) => tokens.unflatten(2, numHeads, tokens.shape[2] / numHeads).transpose(1, 2);

    /// <summary>Hides keys behind a finite floor: rows of padding stay numbers, and exp of it is 0 beside any real score.</summary>
    internal static double Floor(ScalarType type) => type == ScalarType.Float16 ? -6e4 : -1e30;

    private static Tensor Fused(Tensor query, Tensor key, Tensor value, int numHeads, Tensor? invalid, bool isCausal)
    {
        Tensor? bias = null;
        if (invalid is not null)
            bias = zeros_like(invalid, query.dtype).masked_fill(invalid, Floor(query.dtype)).unsqueeze(1).unsqueeze(1).expand(-1, numHeads, query.shape[1], -1);
        var attended = functional.scaled_dot_product_attention(SplitHeads(query, numHeads), SplitHeads(key, numHeads), SplitHeads(value, numHeads), bias, 0, isCausal);
        return attended.transpose(1, 2).flatten(2);
    }
}
