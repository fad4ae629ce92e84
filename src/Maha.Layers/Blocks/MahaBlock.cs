using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Blocks;

// B batch, N length, D width

/// <summary>
/// One layer of a model: a token mixer and a feed-forward layer, each followed by residual and norm.
/// </summary>
/// <remarks>
/// y = LayerNorm(x + Dropout(mixer(x))); the result is LayerNorm(y + FFN(y)). With <see cref="AttentionKind.MahaReference"/> this is the hybrid
/// dilated-convolution block of the paper's section 4.4.
/// </remarks>
public sealed class MahaBlock : Module<Tensor, MixingContext, MixingResult>
{
    [ComponentName(Name = "mixer")] private readonly TokenMixer _mixer;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    [ComponentName(Name = "mixer_norm")] private readonly LayerNorm _mixerNorm;
    [ComponentName(Name = "feed_forward")] private readonly FeedForward _feedForward;
    [ComponentName(Name = "feed_forward_norm")] private readonly LayerNorm _feedForwardNorm;
    private readonly int _dModel;

    /// <summary>Builds a block.</summary>
    /// <param name="options">The shape of the block.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaBlock(MahaBlockOptions options) : base(TorchLibrary.EnsureLoadedFor(nameof(MahaBlock)))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _dModel = options.DModel;
        _mixer = TokenMixers.Create(options);
        _dropout = new ActivationDropout(options.Dropout);
        _mixerNorm = LayerNorm(_dModel, options.NormEpsilon);
        _feedForward = new FeedForward(_dModel, options.FeedForwardDim, options.Dropout);
        _feedForwardNorm = LayerNorm(_dModel, options.NormEpsilon);
        RegisterComponents();
    }

    /// <summary>Whether the next call drops activations.</summary>
    internal bool Drops => _dropout.Drops;

    /// <summary>The part that lets tokens see each other.</summary>
    internal TokenMixer Mixer => _mixer;

    /// <summary>Sets the last weights of both paths to 0: the block is its residual path, a norm, and learns from there.</summary>
    internal void StartAsIdentity()
    {
        using var noGradient = no_grad();
        foreach (var factor in _mixer.OutputFactors.Concat(_feedForward.OutputFactors))
            factor.zero_();
    }

    /// <summary>Computes the attention weights of one document, for inspection.</summary>
    /// <param name="hidden">[1, N, D], the input of the block.</param>
    /// <param name="context">The padding mask and other inputs that the layers share.</param>
    /// <returns>
    /// The weights, without gradient. Row i holds those of token i, 0 at padding. For hierarchical and full attention [H, N, N]; for multiscale attention [S, N, N], the
    /// mean over the heads at each scale, where the weight of a coarse token is shared evenly by the tokens of its cell. Memory O(N^2).
    /// </returns>
    /// <exception cref="ArgumentException">As for <see cref="forward"/>, or there are several documents or more than 4,096 tokens.</exception>
    /// <exception cref="NotSupportedException">The block has another kind of attention.</exception>
    public Tensor AttentionWeights(Tensor hidden, MixingContext context) => _mixer.AttentionWeights(hidden, context);

    /// <summary>Applies the block.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="context">Padding and what else the layers share.</param>
    /// <returns>The block's output [B, N, D], the mixer's auxiliary loss, and what can be inspected.</returns>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or the mixer refuses the context.</exception>
    public override MixingResult forward(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _dModel, _mixerNorm, nameof(hidden));
        using var scope = NewDisposeScope();
        var mixed = _mixer.call(hidden, context);
        if (_feedForward.TryForwardBetweenNorms(hidden, mixed.Output, _mixerNorm, _feedForwardNorm) is { } fused)
            return (mixed with { Output = fused }).MoveToOuterDisposeScope();
        var attended = Activation.ResidualNorm(_mixerNorm, hidden, _dropout.call(mixed.Output)); // [B, N, D]
        var output = Activation.ResidualNorm(_feedForwardNorm, attended, _feedForward.call(attended)); // [B, N, D]
        return (mixed with { Output = output }).MoveToOuterDisposeScope();
    }

    /// <summary>Starts the decoding of sequences piece by piece.</summary>
    /// <returns>A state for <see cref="Decode"/>, empty. Dispose it at the end.</returns>
    /// <exception cref="InvalidOperationException">The block is not causal.</exception>
    internal DecoderState StartDecoding() => _mixer.StartDecoding();

    /// <summary>Applies the block to the next tokens of every sequence, as <see cref="forward"/> does behind all tokens so far; dropout is off.</summary>
    /// <param name="hidden">[B, N, D], the next N tokens of each sequence, at least 1.</param>
    /// <param name="state">The tokens before, from <see cref="StartDecoding"/>; takes the new ones up.</param>
    /// <returns>[B, N, D], without gradient.</returns>
    /// <exception cref="ArgumentException">The input has another shape, type or device, or the state is one of other sequences or of another layer.</exception>
    internal Tensor Decode(Tensor hidden, DecoderState state)
    {
        TensorChecks.Hidden(hidden, _dModel, _mixerNorm, nameof(hidden));
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var attended = Activation.ResidualNorm(_mixerNorm, hidden, _mixer.Decode(hidden, state)); // [B, N, D]
        return Activation.ResidualNorm(_feedForwardNorm, attended, _feedForward.ForwardInChunks(attended)).MoveToOuterDisposeScope();
    }
}
