using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>The input of an aggregation: the outputs of the scales at full length, and their masks.</summary>
/// <param name="Upsampled">U(O_s), S tensors [B, N, D], the finest scale first.</param>
internal sealed record ScaleOutputs(IReadOnlyList<Tensor> Upsampled)
{
    /// <summary>[B, N] booleans, true = ignore this token: its output is 0 and it has no influence on the weights. Null where no token is padding.</summary>
    public Tensor? KeyPaddingMask { get; init; }

    /// <summary>
    /// [B, S] or [B, N, S] booleans, true = this scale does not exist for the document or the token, and its weight is 0.
    /// Null where every scale exists. Scale 0 always exists. The values of an unavailable scale must be finite (the mixers give 0); they have no effect.
    /// </summary>
    public Tensor? UnavailableScales { get; init; }

    /// <summary>
    /// The relative cost of every scale at the document's own length, [B, S], which the <c>Convex</c> and <c>Nash</c> aggregations multiply by their price.
    /// Null where scales have no price.
    /// </summary>
    public Tensor? RelativeCosts { get; init; }

    /// <summary>The same outputs at their own lengths, where the mixer has them: aggregations that can use them create no upsampled copies.</summary>
    public CompactScales? Compact { get; init; }

    /// <summary>Whether the weights of a token may depend on that token only, as in a causal model.</summary>
    public bool IsCausal { get; init; }
}
