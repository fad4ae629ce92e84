using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, D width

/// <summary>
/// The part of a block that mixes the tokens: it takes hidden states [B, N, D] and returns hidden states [B, N, D].
/// </summary>
/// <remarks>
/// A block adds the residual, the norms and the feed-forward layer, so that the kinds of attention (<see cref="AttentionKind"/>) differ in this part only.
/// An implementation either uses everything in the <see cref="MixingContext"/> or throws an exception.
/// </remarks>
internal abstract class TokenMixer : Module<Tensor, MixingContext, MixingResult>
{
    /// <summary>Creates the module.</summary>
    /// <param name="name">The class's name.</param>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    protected TokenMixer(string name) : base(TorchLibrary.EnsureLoadedFor(name))
    {
    }

    /// <summary>Mixes the tokens of a batch.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="context">The padding and the trees of the batch.</param>
    /// <returns>The mixed tokens [B, N, D] before residual and norm, the auxiliary loss, and values for inspection.</returns>
    public abstract override MixingResult forward(Tensor hidden, MixingContext context);

    /// <summary>The parameters that are factors of the output: the mixer returns 0, and learns, where all of them are 0. None where there are no such ones.</summary>
    internal virtual IEnumerable<Tensor> OutputFactors => [];

    /// <summary>Creates an empty cache for decoding sequences piece by piece.</summary>
    /// <returns>A state for <see cref="Decode"/>. Dispose it after use.</returns>
    /// <exception cref="InvalidOperationException">The mixer is not causal: its tokens see later ones.</exception>
    internal virtual DecoderState StartDecoding() => throw NotCausal();

    /// <summary>Mixes the next tokens of every sequence, with the result of <see cref="forward"/> for all tokens so far; dropout is off.</summary>
    /// <param name="hidden">[B, N, D], the next N tokens of each sequence, at least 1.</param>
    /// <param name="state">The cache of the earlier tokens, from <see cref="StartDecoding"/>, to which the new tokens are added.</param>
    /// <returns>[B, N, D], without gradient.</returns>
    /// <exception cref="ArgumentException">
    /// The input has another shape, type or device, or the state belongs to other sequences or to another layer.
    /// </exception>
    /// <exception cref="InvalidOperationException">The mixer is not causal.</exception>
    internal virtual Tensor Decode(Tensor hidden, DecoderState state) => throw NotCausal();

    /// <summary>Computes the attention weights of one document, for inspection.</summary>
    /// <param name="hidden">[1, N, D].</param>
    /// <param name="context">The padding mask and other inputs that the layers share.</param>
    /// <exception cref="NotSupportedException">The kind of attention has no weights to show.</exception>
    public virtual Tensor AttentionWeights(Tensor hidden, MixingContext context) =>
        throw new NotSupportedException(
            $"Attention weights can be inspected for Attention Maha, Hsa, HsaCausal and Full, but this layer is a {GetName()}. Choose one of them.");

    /// <summary>Creates the exception for decoding with a mixer that is not causal.</summary>
    private protected InvalidOperationException NotCausal() =>
        new($"Decoding needs a causal layer, but this {GetName()} sees later tokens. "
            + "Build the model with IsCausal = true and Attention Maha, Full, Window or HsaCausal.");
}
