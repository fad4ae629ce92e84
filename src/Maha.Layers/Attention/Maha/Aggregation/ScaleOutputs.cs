using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>What an aggregation gets: the outputs of the scales at full length, and which of them count where.</summary>
/// <param name="Upsampled">U(O_s), S tensors [B, N, D], the finest scale first.</param>
public sealed record ScaleOutputs(IReadOnlyList<Tensor> Upsampled)
{
    /// <summary>[B, N] booleans, true = ignore this token: its output is 0 and it has no say in the weights. Null where no token is padding.</summary>
    public Tensor? KeyPaddingMask { get; init; }

    /// <summary>
    /// [B, S] or [B, N, S] booleans, true = this scale does not exist for the document or the token: its weight is 0.
    /// Null where every scale counts. Scale 0 always exists. What an unavailable scale holds must be finite (the mixers give 0), and has no effect.
    /// </summary>
    public Tensor? UnavailableScales { get; init; }

    /// <summary>
    /// The relative cost of every scale at the document's own length, [B, S]; a price for <c>Convex</c> and <c>Nash</c>,
    /// which know prices. Null where scales cost nothing.
    /// </summary>
    public Tensor? RelativeCosts { get; init; }

    /// <summary>The same outputs at their own lengths, where the mixer has them: strategies that can work on them never make the upsampled copies.</summary>
    internal CompactScales? Compact { get; init; }

    /// <summary>True where a token's weights may depend on that token alone, as in a causal model.</summary>
    public bool IsCausal { get; init; }
}
