using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, D width

/// <summary>
/// The part of a block that lets tokens see each other: hidden states [B, N, D] in, hidden states [B, N, D] out.
/// </summary>
/// <remarks>
/// A block adds the residual, the norms and the feed-forward layer around it, so that kinds of attention differ in this one part
/// (<see cref="AttentionKind"/>). An implementation either honors everything in the <see cref="MixingContext"/> or refuses it with a message.
/// </remarks>
public abstract class TokenMixer : Module<Tensor, MixingContext, MixingResult>
{
    /// <summary>Names the module.</summary>
    /// <param name="name">The class's name.</param>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    protected TokenMixer(string name) : base(TorchLibrary.EnsureLoadedFor(name))
    {
    }

    /// <summary>Mixes the tokens of a batch.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="context">Padding and what else the layers share.</param>
    /// <returns>The mixed tokens [B, N, D] before residual and norm, the auxiliary loss, and what can be inspected.</returns>
    public abstract override MixingResult forward(Tensor hidden, MixingContext context);

    /// <summary>Starts the decoding of sequences piece by piece.</summary>
    /// <returns>A state for <see cref="Decode"/>, empty. Dispose it at the end.</returns>
    /// <exception cref="InvalidOperationException">The mixer is not causal: its tokens see later ones.</exception>
    public virtual DecoderState StartDecoding() => throw NotCausal();

    /// <summary>Mixes the next tokens of every sequence, as <see cref="forward"/> mixes them behind all tokens so far; dropout is off.</summary>
    /// <param name="hidden">[B, N, D], the next N tokens of each sequence, at least 1.</param>
    /// <param name="state">The tokens before, from <see cref="StartDecoding"/>; takes the new ones up.</param>
    /// <returns>[B, N, D], without gradient.</returns>
    /// <exception cref="ArgumentException">The input has another shape, type or device, or the state is one of other sequences or of another layer.</exception>
    /// <exception cref="InvalidOperationException">The mixer is not causal.</exception>
    public virtual Tensor Decode(Tensor hidden, DecoderState state) => throw NotCausal();

    /// <summary>What is wrong with decoding by this mixer.</summary>
    private protected InvalidOperationException NotCausal() =>
        new($"Decoding needs a causal layer, but this {GetName()} sees later tokens. Build the model with IsCausal = true and Attention Maha, Full, Window or HsaCausal.");
}
