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
    protected TokenMixer(string name) : base(name)
    {
    }

    /// <summary>Mixes the tokens of a batch.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="context">Padding and what else the layers share.</param>
    /// <returns>The mixed tokens [B, N, D] before residual and norm, the auxiliary loss, and what can be inspected.</returns>
    public abstract override MixingResult forward(Tensor hidden, MixingContext context);

    /// <summary>Registers nothing: the constructor names every part itself, and reflection would add each a second time under its field's name.</summary>
    protected override void RegisterComponents()
    {
    }
}
