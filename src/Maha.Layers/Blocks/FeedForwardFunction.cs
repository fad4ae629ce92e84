using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Blocks;

// R rows (tokens), D width, F width between the layers

/// <summary>The autograd function of <see cref="FeedForwardKernel"/>. Arguments: x [..., D], W_1 [F, D], b_1 [F], W_2 [D, F], b_2 [D], contiguous.</summary>
/// <remarks>Saves W_1 x. The backward pass computes the activation again in chunks of rows, so that no other tensor of width F stays in memory.</remarks>
internal sealed unsafe class FeedForwardFunction : SingleOutputFunction<FeedForwardFunction>
{
    // Rows of a chunk of the backward pass: tall enough for the matrix products to run at full speed.
    private const int ChunkRows = 2048;

    /// <summary>Whether the kernel supports the input and these layers and is faster than torch's operators.</summary>
    public static bool IsApplicable(Tensor input, Linear expand, Linear contract) =>
        expand.bias is not null && contract.bias is not null
            && LinearFunction.CanUseKernel(input, expand.weight!.shape[0]) && LinearFunction.CanUseKernel(input, contract.weight!.shape[0]);

    /// <summary>Returns W_2 gelu(W_1 x + b_1) + b_2, which has the shape of the input.</summary>
    public static Tensor Apply(Tensor input, Linear expand, Linear contract)
    {
        using var scope = NewDisposeScope();
        var operands = Operands(input, expand, contract);
        var output = is_grad_enabled() && operands.Any(operand => operand.requires_grad) ? CallSingle([.. operands]) : Run(operands, null);
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Returns LayerNorm(y + W_2 gelu(W_1 y + b_1) + b_2) with y = LayerNorm(x + update), without gradient.</summary>
    public static Tensor ApplyBetweenNorms(Tensor x, Tensor update, LayerNorm before, Linear expand, Linear contract, LayerNorm after)
    {
        using var scope = NewDisposeScope();
        var operands = Operands(x, expand, contract);
        Tensor[] norms = [before.weight!.contiguous(), before.bias!.contiguous(), after.weight!.contiguous(), after.bias!.contiguous()];
        var contiguousUpdate = update.contiguous();
        var output = empty_like(operands[0]);
        FeedForwardKernel.ForwardBetweenNorms(
            x.numel() / x.shape[^1], ToLayerOperands(operands), ToNormOperands(norms[0], norms[1], before.eps), ToNormOperands(norms[2], norms[3], after.eps),
            TensorMemory.Pointer<float>(operands[0]), TensorMemory.Pointer<float>(contiguousUpdate), TensorMemory.Pointer<float>(output), get_num_threads());
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        Tensor[] operands = [.. arguments.Cast<Tensor>()];
        var expanded = empty([operands[0].numel() / operands[1].shape[1], operands[1].shape[0]], operands[0].dtype);
        var output = Run(operands, expanded);
        ctx.save_for_backward([operands[0], operands[1], operands[2], operands[3], expanded]);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var (input, firstWeight, firstBias, secondWeight, expanded) = (saved[0], saved[1], saved[2], saved[3], saved[4]);
        long inner = firstWeight.shape[0], width = firstWeight.shape[1], rows = input.numel() / width;
        var (x, upstream) = (input.view(-1, width), gradient.contiguous().view(-1, width)); // [R, D]
        var inputGradient = empty_like(x);
        var (firstGradient, firstBiasGradient) = (zeros_like(firstWeight), zeros_like(firstBias));
        var secondGradient = zeros_like(secondWeight);
        for (long start = 0; start < rows; start += ChunkRows)
        {
            using var chunk = NewDisposeScope();
            long count = Math.Min(ChunkRows, rows - start);
            var (incoming, z) = (upstream.narrow(0, start, count), expanded.narrow(0, start, count));
            var (hidden, expandedGradient) = (empty_like(z), incoming.CheckedMatmul(secondWeight)); // [C, F]
            GeluKernel.Recompute(
                count, (int)inner, TensorMemory.Pointer<float>(z), TensorMemory.Pointer<float>(firstBias), TensorMemory.Pointer<float>(expandedGradient),
                TensorMemory.Pointer<float>(hidden), get_num_threads());
            secondGradient.add_(incoming.t().CheckedMatmul(hidden));
            firstGradient.add_(expandedGradient.t().CheckedMatmul(x.narrow(0, start, count)));
            firstBiasGradient.add_(expandedGradient.sum([0]));
            inputGradient.narrow(0, start, count).copy_(expandedGradient.CheckedMatmul(firstWeight));
        }
        return [inputGradient.view(input.shape), firstGradient, firstBiasGradient, secondGradient, upstream.sum([0])];
    }

    private static Tensor[] Operands(Tensor input, Linear expand, Linear contract) =>
        [input.contiguous(), expand.weight!.contiguous(), expand.bias!.contiguous(), contract.weight!.contiguous(), contract.bias!.contiguous()];

    private static Tensor Run(Tensor[] operands, Tensor? expanded)
    {
        var output = empty_like(operands[0]);
        FeedForwardKernel.Forward(
            operands[0].numel() / operands[0].shape[^1], ToLayerOperands(operands), TensorMemory.Pointer<float>(operands[0]),
            expanded is null ? null : TensorMemory.Pointer<float>(expanded), TensorMemory.Pointer<float>(output), get_num_threads());
        GC.KeepAlive(operands);
        return output;
    }

    private static FeedForwardOperands ToLayerOperands(Tensor[] operands) => new(
        TensorMemory.Pointer<float>(operands[1]), TensorMemory.Pointer<float>(operands[2]),
        TensorMemory.Pointer<float>(operands[3]), TensorMemory.Pointer<float>(operands[4]),
        (int)operands[1].shape[1], (int)operands[1].shape[0]);

    private static NormOperands ToNormOperands(Tensor weight, Tensor bias, double epsilon) =>
        new(TensorMemory.Pointer<float>(weight), TensorMemory.Pointer<float>(bias), (float)epsilon);
}
