using Maha.Layers.Attention;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Blocks;

// B batch, N length, D width

/// <summary>A block whose inside is forgotten after the forward pass and computed again in the backward pass. Arguments: hidden [B, N, D], a <see cref="Recomputation"/>.</summary>
/// <remarks>
/// Keeps B * N * D numbers a block instead of some twenty times that, for about a third more time (Chen et al. 2016). Gradients of the block's parameters are added
/// to their <c>grad</c> by the inner backward pass: use <c>backward()</c>, not <c>autograd.grad</c>, for them.
/// </remarks>
internal sealed class RecomputedBlockFunction : MultiTensorFunction<RecomputedBlockFunction>
{
    private const string RecomputationKey = "recomputation";

    /// <inheritdoc/>
    public override string Name => nameof(RecomputedBlockFunction);

    /// <summary>Applies a block.</summary>
    public static MixingResult Apply(MahaBlock block, Tensor hidden, MixingContext context)
    {
        bool drops = block.training && block.DropoutProbability > 0;
        if (drops && hidden.device_type != DeviceType.CPU)
            throw new ArgumentException($"RecomputeBlocks must draw the same dropout twice and can do so on the CPU only, but the tokens are on {hidden.device}. Set Dropout to 0 or RecomputeBlocks to false.", nameof(hidden));
        var recomputation = new Recomputation(block, context, drops);
        var outputs = apply(hidden, recomputation);
        return recomputation.Result! with { Output = outputs[0], AuxiliaryLoss = outputs[1] };
    }

    /// <inheritdoc/>
    public override List<Tensor> forward(AutogradContext ctx, params object[] vars)
    {
        var (hidden, recomputation) = ((Tensor)vars[0], (Recomputation)vars[1]);
        if (recomputation.Random)
        {
            recomputation.GeneratorState = random.get_rng_state();
            recomputation.GeneratorState.DetachFromDisposeScope();
        }
        recomputation.Result = recomputation.Block.call(hidden, recomputation.Context);
        ctx.save_for_backward([hidden]);
        ctx.save_data(RecomputationKey, recomputation);
        return [recomputation.Result.Output, recomputation.Result.AuxiliaryLoss];
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var recomputation = (Recomputation)ctx.get_data(RecomputationKey);
        using var scope = NewDisposeScope();
        using var saved = ctx.get_saved_variables()[0];
        var hidden = saved.detach().requires_grad_();
        using (enable_grad())
        {
            var before = recomputation.Random ? random.get_rng_state() : null;
            if (recomputation.GeneratorState is not null)
                random.set_rng_state(recomputation.GeneratorState);
            var result = recomputation.Block.call(hidden, recomputation.Context);
            if (before is not null)
                random.set_rng_state(before);
            List<Tensor> outputs = [result.Output], gradients = [grad_outputs[0]];
            if (result.AuxiliaryLoss.requires_grad)
            {
                outputs.Add(result.AuxiliaryLoss);
                gradients.Add(grad_outputs[1]);
            }
            autograd.backward(outputs, gradients);
        }
        recomputation.GeneratorState?.Dispose();
        return [hidden.grad!.MoveToOuterDisposeScope(), null!];
    }
}

/// <summary>What the second computation of a block needs besides its input.</summary>
internal sealed class Recomputation(MahaBlock block, MixingContext context, bool random)
{
    public MahaBlock Block { get; } = block;

    public MixingContext Context { get; } = context;

    /// <summary>Whether the block draws random numbers.</summary>
    public bool Random { get; } = random;

    /// <summary>The generator's state before the first computation.</summary>
    public Tensor? GeneratorState { get; set; }

    /// <summary>The first computation's result.</summary>
    public MixingResult? Result { get; set; }
}
