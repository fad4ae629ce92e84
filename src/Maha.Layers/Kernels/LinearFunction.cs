using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Kernels;

// D input width, F output width

/// <summary>The differentiable call of <see cref="LinearKernel"/>; the backward pass is torch's. Arguments: input [..., D], weight [F, D], bias [F] or null.</summary>
internal sealed unsafe class LinearFunction : SingleTensorFunction<LinearFunction>
{
    private const string BiasKey = "bias";

    /// <inheritdoc/>
    public override string Name => nameof(LinearFunction);

    /// <summary>A linear layer's output, by the kernel where it suits.</summary>
    public static Tensor Apply(Linear layer, Tensor input) => Apply(input, layer.weight!, layer.bias);

    /// <summary>input W^T + bias, by the kernel where it suits.</summary>
    public static Tensor Apply(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        bool suits = TensorMemory.Reachable(input) && input.dtype == ScalarType.Float32 && LinearKernel.Suits(input.numel() / input.shape[^1], (int)weight.shape[0]);
        if (!suits)
            return nn.functional.linear(input, weight, bias!).MoveToOuterDisposeScope();
        var contiguous = input.contiguous();
        bool differentiable = is_grad_enabled() && (input.requires_grad || weight.requires_grad);
        var output = differentiable ? apply(contiguous, weight, bias!) : Run(contiguous, weight, bias);
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        var (input, weight) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_for_backward([input, weight]);
        ctx.save_data(BiasKey, vars[2] is Tensor);
        return Run(input, weight, vars[2] as Tensor);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        var saved = ctx.get_saved_variables();
        var (input, weight) = (saved[0], saved[1]);
        var gradient = grad_output.contiguous().view(-1, weight.shape[0]); // [R, F]
        var inputGradient = gradient.matmul(weight).view(input.shape);
        var weightGradient = gradient.t().matmul(input.view(-1, weight.shape[1])); // [F, D]
        var biasGradient = (bool)ctx.get_data(BiasKey) ? gradient.sum([0]).MoveToOuterDisposeScope() : null;
        scope.MoveToOuter(inputGradient, weightGradient);
        return [inputGradient, weightGradient, biasGradient!];
    }

    private static Tensor Run(Tensor input, Tensor weight, Tensor? bias)
    {
        int depth = (int)weight.shape[1], width = (int)weight.shape[0];
        long[] shape = input.shape;
        shape[^1] = width;
        var output = empty(shape, input.dtype);
        using var contiguousWeight = weight.contiguous();
        LinearKernel.Forward(
            input.numel() / depth, depth, width, TensorMemory.Pointer<float>(input), TensorMemory.Pointer<float>(contiguousWeight),
            bias is null ? null : TensorMemory.Pointer<float>(bias), TensorMemory.Pointer<float>(output), get_num_threads());
        GC.KeepAlive(input);
        GC.KeepAlive(bias);
        return output;
    }
}
