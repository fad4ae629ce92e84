using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Blocks;

// B batch, N length, D width, F feed-forward width

/// <summary>
/// Two linear layers, applied to every token separately: Dropout(W_2 Dropout(GELU(W_1 x + b_1)) + b_2).
/// </summary>
/// <remarks>Cost: 4 * D * F * N floating-point operations.</remarks>
internal sealed class FeedForward : Module<Tensor, Tensor>
{
    // The tokens of a long prompt whose wide activations are in memory at once.
    private const long ChunkTokens = 4096;

    [ComponentName(Name = "expand")] private readonly Linear _expand;
    [ComponentName(Name = "contract")] private readonly Linear _contract;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    private readonly int _dModel;

    /// <summary>Builds the layers.</summary>
    /// <param name="dModel">D, the width of the tokens.</param>
    /// <param name="feedForwardDim">F, the width between the layers.</param>
    /// <param name="dropout">The probability with which an activation is dropped in training, in [0, 1).</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public FeedForward(int dModel, int feedForwardDim, double dropout = 0.1) : base(TorchLibrary.EnsureLoadedFor(nameof(FeedForward)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(feedForwardDim, 1);
        TensorChecks.Probability(dropout, nameof(dropout));
        _dModel = dModel;
        _expand = Linear(dModel, feedForwardDim); // W_1
        _contract = Linear(feedForwardDim, dModel); // W_2
        _dropout = new ActivationDropout(dropout);
        RegisterComponents();
    }

    /// <summary>The parameters that are factors of the output: it is 0 where all of them are.</summary>
    internal IEnumerable<Tensor> OutputFactors => _contract.parameters();

    /// <summary>Applies the layers.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <returns>[B, N, D].</returns>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or no tokens.</exception>
    public override Tensor forward(Tensor hidden)
    {
        TensorChecks.Hidden(hidden, _dModel, _expand, nameof(hidden));
        using var scope = NewDisposeScope();
        if (!_dropout.Drops && FeedForwardFunction.IsApplicable(hidden, _expand, _contract))
            return FeedForwardFunction.Apply(hidden, _expand, _contract).MoveToOuterDisposeScope();
        var expanded = Activation.Gelu(_expand, hidden); // [B, N, F]
        var contracted = LinearFunction.Apply(_contract, _dropout.call(expanded)); // [B, N, D]
        return _dropout.call(contracted).MoveToOuterDisposeScope();
    }

    /// <summary>Computes LayerNorm(y + ffn(y)) with y = LayerNorm(hidden + update) in one pass over the tokens.</summary>
    /// <returns>[B, N, D]; null where the fused kernel can't be used, as with gradients or with active dropout.</returns>
    internal Tensor? TryForwardBetweenNorms(Tensor hidden, Tensor update, LayerNorm before, LayerNorm after)
    {
        bool canFuse = !_dropout.Drops && !is_grad_enabled() && FeedForwardFunction.IsApplicable(hidden, _expand, _contract);
        return canFuse ? FeedForwardFunction.ApplyBetweenNorms(hidden, update, before, _expand, _contract, after) : null;
    }

    /// <summary>Applies the layers without dropout, chunk by chunk, so that the wide activations of one chunk are in memory: for decoding.</summary>
    internal Tensor ForwardInChunks(Tensor hidden) => SequenceChunks.Apply(
        hidden, ChunkTokens, chunk => LinearFunction.Apply(_contract, Activation.Gelu(_expand, chunk.contiguous())));
}
