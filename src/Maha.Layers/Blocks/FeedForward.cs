using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Blocks;

// B batch, N length, D width, F feed-forward width

/// <summary>
/// Two linear layers over every token by itself: Dropout(W_2 Dropout(GELU(W_1 x + b_1)) + b_2).
/// </summary>
/// <remarks>Cost: 4 * D * F * N floating-point operations.</remarks>
internal sealed class FeedForward : Module<Tensor, Tensor>
{
    [ComponentName(Name = "expand")] private readonly Linear _expand;
    [ComponentName(Name = "contract")] private readonly Linear _contract;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    private readonly int _dModel;

    /// <summary>Builds the layers.</summary>
    /// <param name="dModel">D, the width of the tokens.</param>
    /// <param name="feedForwardDim">F, the width between the layers.</param>
    /// <param name="dropout">The probability of dropping an activation in training, in [0, 1).</param>
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

    /// <summary>Applies the layers.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <returns>[B, N, D].</returns>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or no token.</exception>
    public override Tensor forward(Tensor hidden)
    {
        TensorChecks.Hidden(hidden, _dModel, _expand, nameof(hidden));
        using var scope = NewDisposeScope();
        if (!AppliesDropout && FeedForwardFunction.IsApplicable(hidden, _expand, _contract))
            return FeedForwardFunction.Apply(hidden, _expand, _contract).MoveToOuterDisposeScope();
        var expanded = Activation.Gelu(_expand, hidden); // [B, N, F]
        var contracted = LinearFunction.Apply(_contract, _dropout.call(expanded)); // [B, N, D]
        return _dropout.call(contracted).MoveToOuterDisposeScope();
    }

    /// <summary>LayerNorm(y + this layer of y) with y = LayerNorm(hidden + update), in one pass over the tokens; null where that cannot be had.</summary>
    /// <remarks>Not where a gradient is asked for or activations are dropped.</remarks>
    internal Tensor? TryForwardBetweenNorms(Tensor hidden, Tensor update, LayerNorm before, LayerNorm after)
    {
        bool suits = !AppliesDropout && !is_grad_enabled() && FeedForwardFunction.IsApplicable(hidden, _expand, _contract);
        return suits ? FeedForwardFunction.ApplyBetweenNorms(hidden, update, before, _expand, _contract, after) : null;
    }

    private bool AppliesDropout => training && _dropout.Probability > 0;

    // Tokens of a long prompt whose wide activations are in memory at once.
    private const long PieceTokens = 4096;

    /// <summary>The layers without dropout and without keeping more than a piece of the wide activations: for decoding.</summary>
    internal Tensor ForwardInChunks(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        long length = hidden.shape[1];
        var pieces = new List<Tensor>();
        for (long start = 0; start < length; start += PieceTokens)
        {
            using var inner = NewDisposeScope();
            var piece = length <= PieceTokens ? hidden : hidden.narrow(1, start, Math.Min(PieceTokens, length - start)).contiguous();
            pieces.Add(LinearFunction.Apply(_contract, Activation.Gelu(_expand, piece)).MoveToOuterDisposeScope());
        }
        return (pieces.Count == 1 ? pieces[0] : cat(pieces, 1)).MoveToOuterDisposeScope();
    }
}
