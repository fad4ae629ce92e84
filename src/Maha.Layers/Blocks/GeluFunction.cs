using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Blocks;

// F width

/// <summary>The autograd function of <see cref="GeluKernel"/>. Arguments: input [..., F] and bias [F], float32 in CPU memory.</summary>
internal sealed unsafe class GeluFunction : SingleOutputFunction<GeluFunction>
{
    /// <summary>Returns gelu(input + bias). Without gradient the result overwrites the input, which must be a temporary of the caller.</summary>
    public static Tensor Apply(Tensor input, Tensor bias)
    {
        if (GradientNeed.Of(input, bias))
            return CallContiguous(input, bias);
        var result = input.contiguous();
        Run(result, bias, result);
        return result;
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (input, bias) = ((Tensor)arguments[0], (Tensor)arguments[1]);
        var output = empty_like(input);
        Run(input, bias, output);
        ctx.save_for_backward([input, bias]);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var (input, bias) = (saved[0], saved[1]);
        var upstream = gradient.contiguous();
        using var contiguousBias = bias.contiguous();
        var inputGradient = empty_like(input);
        int width = (int)bias.numel();
        GeluKernel.Backward(
            input.numel() / width, width, TensorMemory.Pointer<float>(input), TensorMemory.Pointer<float>(contiguousBias),
            TensorMemory.Pointer<float>(upstream), TensorMemory.Pointer<float>(inputGradient), get_num_threads());
        return [inputGradient, inputGradient.view(-1, width).sum([0])];
    }

    private static void Run(Tensor input, Tensor bias, Tensor output)
    {
        using var contiguousBias = bias.contiguous();
        int width = (int)bias.numel();
        GeluKernel.Forward(
            input.numel() / width, width, TensorMemory.Pointer<float>(input), TensorMemory.Pointer<float>(contiguousBias), TensorMemory.Pointer<float>(output),
            get_num_threads());
        GC.KeepAlive(input);
    }
}
