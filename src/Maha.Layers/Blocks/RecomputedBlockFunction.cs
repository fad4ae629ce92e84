using Maha.Layers.Attention;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Blocks;

// B batch, N length, D width

/// <summary>
/// Activation checkpointing: keeps only a block's input in the forward pass and computes the block again in the backward pass.
/// Arguments: hidden [B, N, D], padding [B, N] or null, a <see cref="Recomputation"/>.
/// </summary>
/// <remarks>
/// Keeps B * N * D numbers per block instead of about twenty times as many, for about a third more time (Chen et al. 2016). The inner backward pass adds the
/// gradients of the block's parameters to their <c>grad</c>: compute them with <c>backward()</c>, not with <c>autograd.grad</c>.
/// </remarks>
internal sealed class RecomputedBlockFunction : DifferentiableFunction<RecomputedBlockFunction>
{
    private const string RecomputationKey = "recomputation";

    /// <summary>Applies a block.</summary>
    public static MixingResult Apply(MahaBlock block, Tensor hidden, MixingContext context)
    {
        bool drops = block.Drops;
        if (drops && hidden.device_type != DeviceType.CPU)
        {
            throw new ArgumentException(
                $"RecomputeBlocks must draw the same dropout twice and can do so on the CPU only, but the tokens are on {hidden.device}. " +
                "Set Dropout to 0 or RecomputeBlocks to false.",
                nameof(hidden));
        }
        bool learns = block.parameters().Any(parameter => parameter.requires_grad);
        if (!hidden.requires_grad && !learns)
            return block.call(hidden, context);
        // After frozen embeddings only the block's parameters need gradients. They are not arguments of the function, and autograd calls Backward
        // only if an argument needs a gradient.
        using var input = hidden.requires_grad ? null : hidden.detach().requires_grad_();
        var recomputation = new Recomputation(block, context, drops);
        var outputs = Call(input ?? hidden, context.KeyPaddingMask, recomputation);
        return recomputation.TakeResult() with { Output = outputs[0], AuxiliaryLoss = outputs[1] };
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments)
    {
        var (hidden, mask, recomputation) = ((Tensor)arguments[0], (Tensor?)arguments[1], (Recomputation)arguments[2]);
        // Saved variables stay alive when the caller disposes them, and autograd reports a change in place. The graph frees them.
        ctx.save_for_backward([hidden, mask!, recomputation.DrawsRandomNumbers ? get_rng_state() : null!]);
        ctx.save_data(RecomputationKey, recomputation);
        var result = recomputation.Block.call(hidden, recomputation.Context);
        recomputation.Store(result);
        return [result.Output, result.AuxiliaryLoss];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients)
    {
        var recomputation = (Recomputation)ctx.get_data(RecomputationKey);
        var saved = ctx.get_saved_variables();
        var hidden = saved[0].detach().requires_grad_();
        using var gradientsOn = enable_grad();
        var result = recomputation.Rerun(hidden, saved[1], saved[2]);
        var outputs = new List<Tensor>();
        var incoming = new List<Tensor>();
        foreach (var (output, gradient) in new[] { (result.Output, gradients[0]), (result.AuxiliaryLoss, gradients[1]) })
        {
            if (gradient is null || !output.requires_grad)
                continue;
            outputs.Add(output);
            incoming.Add(gradient);
        }
        if (outputs.Count > 0)
            BackwardPass.RunAll(outputs, incoming);
        return [hidden.grad, null, null];
    }
}

/// <summary>The state that the second computation of a block needs besides its input.</summary>
internal sealed class Recomputation(MahaBlock block, MixingContext context, bool drawsRandomNumbers)
{
    private readonly bool _training = block.training;
    private MixingResult? _result;

    public MahaBlock Block { get; } = block;

    public MixingContext Context { get; } = context;

    /// <summary>Whether the block draws random numbers.</summary>
    public bool DrawsRandomNumbers { get; } = drawsRandomNumbers;

    /// <summary>Stores the result of the first computation. Its outputs are freed with the scope of the call; the reports are handed to the caller.</summary>
    public void Store(MixingResult result)
    {
        _result = result;
        result.ScaleWeights?.MoveToOuterDisposeScope();
        result.AttentionEntropy?.MoveToOuterDisposeScope();
        result.Diagnostics?.MoveToOuterDisposeScope();
    }

    /// <summary>Returns the stored result and forgets it, so that the graph does not keep it alive.</summary>
    public MixingResult TakeResult()
    {
        var result = _result!;
        _result = null;
        return result;
    }

    /// <summary>Computes the block again, with the random numbers of the first computation.</summary>
    /// <param name="hidden">The block's input.</param>
    /// <param name="mask">The padding of the context.</param>
    /// <param name="generatorState">The state of the random generator before the first computation; null if the block draws no random numbers.</param>
    /// <exception cref="InvalidOperationException">The block was switched between training and evaluation in between.</exception>
    public MixingResult Rerun(Tensor hidden, Tensor? mask, Tensor? generatorState)
    {
        if (Block.training != _training)
        {
            throw new InvalidOperationException(
                "A block with RecomputeBlocks must be in the same mode in its forward and its backward pass, " +
                $"but was switched to {(_training ? "evaluation" : "training")} in between. Call train() or eval() after backward().");
        }
        var context = Context with { KeyPaddingMask = mask };
        if (generatorState is null)
            return Block.call(hidden, context);
        var before = get_rng_state();
        try
        {
            set_rng_state(generatorState);
            return Block.call(hidden, context);
        }
        finally
        {
            set_rng_state(before);
        }
    }
}
