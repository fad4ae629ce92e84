using System.Numerics;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N tokens, D width, k kernel size

/// <summary>
/// The differentiable call of the depthwise convolution kernel. Arguments: input [B, N, D], weight [D, 1, k], bias [D], <see cref="ConvolutionPlan"/>,
/// input lengths, output lengths.
/// </summary>
internal sealed unsafe class DepthwiseConvolutionFunction : SingleOutputFunction<DepthwiseConvolutionFunction>
{
    private const string PlanKey = "plan";
    private const string InputKey = "input";
    private const string OutputKey = "output";

    /// <summary>Computes the convolution, [B, N', D].</summary>
    public static Tensor Apply(Tensor input, Tensor weight, Tensor bias, ConvolutionPlan plan, int[] inputLengths, int[] outputLengths) =>
        CallContiguous(input, weight, bias, plan, inputLengths, outputLengths);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (input, weight, bias, plan) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2], (ConvolutionPlan)arguments[3]);
        var output = empty([plan.Batch, plan.OutputLength, plan.Width], input.dtype);
        using var taps = weight.reshape(plan.Width, plan.KernelSize).t().contiguous(); // [k, D]
        if (input.dtype == ScalarType.Float32)
            Forward<float>(plan, (int[])arguments[4], (int[])arguments[5], input, taps, bias, output);
        else
            Forward<double>(plan, (int[])arguments[4], (int[])arguments[5], input, taps, bias, output);
        ctx.save_for_backward(plan.Relu ? [input, weight, output.detach()] : [input, weight]);
        ctx.save_data(PlanKey, plan);
        ctx.save_data(InputKey, arguments[4]);
        ctx.save_data(OutputKey, arguments[5]);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var (input, weight, plan) = (saved[0], saved[1], (ConvolutionPlan)ctx.get_data(PlanKey));
        var incoming = gradient.contiguous();
        var taps = weight.reshape(plan.Width, plan.KernelSize).t().contiguous(); // [k, D]
        var tapGradient = zeros_like(taps);
        var inputGradient = empty_like(input);
        var biasGradient = zeros([plan.Width], input.dtype);
        var lengths = ((int[])ctx.get_data(InputKey), (int[])ctx.get_data(OutputKey));
        if (input.dtype == ScalarType.Float32)
            Backward<float>(plan, lengths, input, taps, plan.Relu ? saved[2] : incoming, incoming, inputGradient, tapGradient, biasGradient);
        else
            Backward<double>(plan, lengths, input, taps, plan.Relu ? saved[2] : incoming, incoming, inputGradient, tapGradient, biasGradient);
        var weightGradient = tapGradient.t().reshape(plan.Width, 1, plan.KernelSize);
        return [inputGradient, weightGradient, biasGradient, null, null, null];
    }

    private static void Forward<T>(ConvolutionPlan plan, int[] inputLengths, int[] outputLengths, Tensor input, Tensor taps, Tensor bias, Tensor output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var contiguousBias = bias.contiguous();
        DepthwiseConvolutionKernel.Forward(
            plan, inputLengths, outputLengths, TensorMemory.Pointer<T>(input), TensorMemory.Pointer<T>(taps), TensorMemory.Pointer<T>(contiguousBias),
            TensorMemory.Pointer<T>(output), get_num_threads());
        GC.KeepAlive(input);
    }

    private static void Backward<T>(
        ConvolutionPlan plan, (int[] Input, int[] Output) lengths, Tensor input, Tensor taps, Tensor output, Tensor gradient,
        Tensor inputGradient, Tensor tapGradient, Tensor biasGradient)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        DepthwiseConvolutionKernel.Backward(
            plan, lengths.Input, lengths.Output, TensorMemory.Pointer<T>(input), TensorMemory.Pointer<T>(taps), TensorMemory.Pointer<T>(output),
            TensorMemory.Pointer<T>(gradient), TensorMemory.Pointer<T>(inputGradient), TensorMemory.Pointer<T>(tapGradient),
            TensorMemory.Pointer<T>(biasGradient), get_num_threads());
}
