using Maha.Layers.Core;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Kernels;

// D input width, F output width

/// <summary>The differentiable call of <see cref="LinearKernel"/>. The backward pass uses torch's operators.</summary>
/// <remarks>Arguments: input [..., D], then weight [F, D] and bias [F] or null of every layer.</remarks>
internal sealed unsafe class LinearFunction : DifferentiableFunction<LinearFunction>
{
    private const string BiasesKey = "biases";

    /// <summary>Computes a linear layer's output, with the kernel if it can be used.</summary>
    public static Tensor Apply(Linear layer, Tensor input) => Apply(input, layer.weight!, layer.bias);

    /// <summary>Computes input W^T + bias, with the kernel if it can be used.</summary>
    public static Tensor Apply(Tensor input, Tensor weight, Tensor? bias) => ApplyAll(input, [(weight, bias)])[0];

    /// <summary>Computes the outputs of several layers for one input, which is read once.</summary>
    public static Tensor[] ApplyAll(Tensor input, params ReadOnlySpan<Linear> layers)
    {
        var parameters = new (Tensor, Tensor?)[layers.Length];
        for (int i = 0; i < parameters.Length; i++)
            parameters[i] = (layers[i].weight!, layers[i].bias);
        return ApplyAll(input, parameters);
    }

    /// <summary>
    /// Computes the outputs of layers with biases side by side, by torch's operator on their joined weights: one product instead of one per layer, and as many
    /// fewer in the backward pass. For devices where a launch costs more than joining the weights.
    /// </summary>
    /// <returns>[..., F], F the sum of the layers' widths.</returns>
    public static Tensor ApplyPacked(Tensor input, params ReadOnlySpan<Linear> layers)
    {
        using var scope = NewDisposeScope();
        var (weights, biases) = (new Tensor[layers.Length], new Tensor[layers.Length]);
        for (int i = 0; i < layers.Length; i++)
            (weights[i], biases[i]) = (layers[i].weight!, layers[i].bias!);
        return ApplyByTorch(input, cat(weights), cat(biases)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes input W^T + bias by torch's operator.</summary>
    /// <remarks>
    /// For an input of more than two dimensions the operator adds the bias in a pass of its own, which takes about as long as the product on a fast GPU. As a
    /// matrix, the rows get the bias in the product.
    /// </remarks>
    public static Tensor ApplyByTorch(Tensor input, Tensor weight, Tensor? bias)
    {
        if (input.device_type != DeviceType.CUDA || bias is null || input.dim() <= 2)
            return nn.functional.linear(input, weight, bias!);
        using var scope = NewDisposeScope();
        long[] shape = input.shape;
        shape[^1] = weight.shape[0];
        var rows = input.flatten(0, -2);
        return (CudaLinearFunction.TryApply(rows, weight, bias) ?? nn.functional.linear(rows, weight, bias)).view(shape).MoveToOuterDisposeScope();
    }

    /// <summary>Whether the kernel can run on an input and is faster than torch's operator.</summary>
    public static bool CanUseKernel(Tensor input, long width) =>
        TensorMemory.Reachable(input) && input.dtype == ScalarType.Float32 && LinearKernel.CanUse(input.numel() / input.shape[^1], (int)width);

    private static Tensor[] ApplyAll(Tensor input, (Tensor Weight, Tensor? Bias)[] layers)
    {
        using var scope = NewDisposeScope();
        Tensor[] outputs;
        if (!layers.All(layer => CanUseKernel(input, layer.Weight.shape[0])))
        {
            outputs = [.. layers.Select(layer => ApplyByTorch(input, layer.Weight, layer.Bias))];
        }
        else
        {
            var contiguous = input.contiguous();
            bool differentiable = GradientNeed.Of([input, .. layers.SelectMany(layer => new[] { layer.Weight, layer.Bias })]);
            outputs = differentiable
                ? Call([contiguous, .. layers.SelectMany(layer => new object?[] { layer.Weight, layer.Bias })])
                : Run(contiguous, layers);
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments)
    {
        var input = (Tensor)arguments[0];
        (Tensor Weight, Tensor? Bias)[] layers = [.. arguments.Skip(1).Chunk(2).Select(pair => ((Tensor)pair[0], pair[1] as Tensor))];
        ctx.save_for_backward([input, .. layers.Select(layer => layer.Weight)]);
        ctx.save_data(BiasesKey, layers.Select(layer => layer.Bias is not null).ToArray());
        return [.. Run(input, layers)];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients)
    {
        var saved = ctx.get_saved_variables();
        bool[] biases = (bool[])ctx.get_data(BiasesKey);
        var input = saved[0];
        var rows = input.view(-1, input.shape[^1]); // [R, D]
        Tensor? inputGradient = null;
        var byArgument = new Tensor?[1 + (2 * biases.Length)];
        for (int layer = 0; layer < biases.Length; layer++)
        {
            var weight = saved[1 + layer];
            if (gradients[layer] is not { } upstream)
                continue;
            var gradient = upstream.contiguous().view(-1, weight.shape[0]); // [R, F]
            inputGradient = inputGradient is null ? gradient.CheckedMatmul(weight) : inputGradient.addmm(gradient, weight);
            byArgument[1 + (2 * layer)] = gradient.t().CheckedMatmul(rows); // [F, D]
            byArgument[2 + (2 * layer)] = biases[layer] ? gradient.sum([0]) : null;
        }
        byArgument[0] = inputGradient!.view(input.shape);
        return byArgument;
    }

    private static Tensor[] Run(Tensor input, (Tensor Weight, Tensor? Bias)[] layers)
    {
        using var scope = NewDisposeScope();
        int depth = (int)input.shape[^1];
        var outputs = new Tensor[layers.Length];
        var operands = new LinearOperands[layers.Length];
        for (int i = 0; i < layers.Length; i++)
        {
            int width = (int)layers[i].Weight.shape[0];
            outputs[i] = empty([.. input.shape[..^1], width], input.dtype);
            operands[i] = new LinearOperands(
                (nint)TensorMemory.Pointer<float>(layers[i].Weight.contiguous()), layers[i].Bias is { } bias ? (nint)TensorMemory.Pointer<float>(bias) : 0,
                (nint)TensorMemory.Pointer<float>(outputs[i]), width);
        }
        LinearKernel.Forward(input.numel() / depth, depth, TensorMemory.Pointer<float>(input), operands, get_num_threads());
        GC.KeepAlive(input);
        GC.KeepAlive(layers);
        scope.MoveToOuter(outputs);
        return outputs;
    }
}
