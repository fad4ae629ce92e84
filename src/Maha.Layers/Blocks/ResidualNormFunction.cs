using System.Numerics;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Blocks;

// D width

/// <summary>The autograd function of <see cref="ResidualNormKernel"/>. Arguments: x and residual [..., D], weight and bias [D], epsilon.</summary>
internal sealed unsafe class ResidualNormFunction : SingleOutputFunction<ResidualNormFunction>
{
    /// <summary>Returns LayerNorm(x + residual), which has the shape of the inputs.</summary>
    public static Tensor Apply(Tensor x, Tensor residual, Tensor weight, Tensor bias, double epsilon)
    {
        using var scope = NewDisposeScope();
        var (first, second) = (x.contiguous(), residual.contiguous());
        if (GradientNeed.Of(x, residual, weight, bias))
            return CallSingle(first, second, weight, bias, epsilon).MoveToOuterDisposeScope();
        var output = empty_like(first);
        Run(first, second, weight, bias, epsilon, output, null, null);
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (x, residual, weight, bias) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2], (Tensor)arguments[3]);
        var output = empty_like(x);
        var sum = empty_like(x);
        var statistics = empty([x.numel() / weight.numel(), 2], x.dtype);
        Run(x, residual, weight, bias, (double)arguments[4], output, sum, statistics);
        ctx.save_for_backward([sum, statistics, weight]);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var upstream = gradient.contiguous();
        var inputGradient = empty_like(saved[0]);
        int width = (int)saved[2].numel();
        var parameters = empty([ResidualNormKernel.Pieces(saved[0].numel() / width), 2, width], saved[0].dtype);
        if (upstream.dtype == ScalarType.Float32)
            RunBackward<float>(saved, upstream, inputGradient, parameters);
        else
            RunBackward<double>(saved, upstream, inputGradient, parameters);
        var summed = parameters.sum([0]); // [2, D]
        return [inputGradient, inputGradient, summed[0].clone(), summed[1].clone(), null];
    }

    private static void RunBackward<T>(List<Tensor> saved, Tensor gradient, Tensor inputGradient, Tensor parameters)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int width = (int)saved[2].numel();
        ResidualNormKernel.Backward(
            gradient.numel() / width, width, TensorMemory.Pointer<T>(saved[0]), TensorMemory.Pointer<T>(saved[1]), TensorMemory.Pointer<T>(saved[2]),
            TensorMemory.Pointer<T>(gradient), TensorMemory.Pointer<T>(inputGradient), TensorMemory.Pointer<T>(parameters), get_num_threads());
    }

    private static void Run(Tensor x, Tensor residual, Tensor weight, Tensor bias, double epsilon, Tensor output, Tensor? sum, Tensor? statistics)
    {
        if (x.dtype == ScalarType.Float32)
            Run<float>(x, residual, weight, bias, epsilon, output, sum, statistics);
        else
            Run<double>(x, residual, weight, bias, epsilon, output, sum, statistics);
    }

    private static void Run<T>(Tensor x, Tensor residual, Tensor weight, Tensor bias, double epsilon, Tensor output, Tensor? sum, Tensor? statistics)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int width = (int)weight.numel();
        ResidualNormKernel.Forward(
            x.numel() / width, width, TensorMemory.Pointer<T>(x), TensorMemory.Pointer<T>(residual),
            TensorMemory.Pointer<T>(weight), TensorMemory.Pointer<T>(bias),
            T.CreateTruncating(epsilon), TensorMemory.Pointer<T>(output), sum is null ? null : TensorMemory.Pointer<T>(sum),
            statistics is null ? null : TensorMemory.Pointer<T>(statistics), get_num_threads());
        GC.KeepAlive(x);
        GC.KeepAlive(residual);
    }
}
