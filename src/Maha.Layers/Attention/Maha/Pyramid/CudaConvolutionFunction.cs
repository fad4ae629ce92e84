using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N tokens, N' output length, D width

/// <summary>
/// The autograd function of one convolution of <see cref="CudaConvolution"/>, with ReLU and dropout. Arguments: input [B, N, D], weight [D, 1, 3], bias [D],
/// the <see cref="Geometry"/>.
/// </summary>
internal sealed class CudaConvolutionFunction : SingleOutputFunction<CudaConvolutionFunction>
{
    private const string GeometryKey = "geometry";

    /// <summary>Computes the convolution, [B, N', D]; null where the kernels can't be used.</summary>
    /// <param name="input">[B, N, D].</param>
    /// <param name="weights">The weights.</param>
    /// <param name="plan">The geometry.</param>
    /// <param name="lengths">The numbers of valid rows.</param>
    /// <param name="dropout">The dropout after the convolution; null for none.</param>
    public static Tensor? TryApply(Tensor input, ConvolutionWeights weights, ConvolutionPlan plan, ConvolutionLengths lengths, ActivationDropout? dropout)
    {
        if (CudaConvolution.TryGet(input, weights.Weight, weights.Bias) is not { } kernels)
            return null;
        using var scope = NewDisposeScope();
        var rows = CudaTables.Get([.. lengths.Input, .. lengths.Output], input.device);
        var geometry = new Geometry(kernels, plan, rows, dropout?.Draw() ?? ActivationDrop.None);
        var readable = kernels.Readable(input);
        bool differentiable = GradientNeed.Of(input, weights.Weight, weights.Bias);
        var output = differentiable
            ? CallSingle(readable, weights.Weight, weights.Bias, geometry)
            : kernels.Forward(geometry.NewCall(weights.Weight, weights.Bias), readable)[0];
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (input, weight, bias, geometry) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2], (Geometry)arguments[3]);
        var output = geometry.Kernels.Forward(geometry.NewCall(weight, bias), input)[0];

        // A saved output would keep the function alive that saves it; another tensor on its memory does not.
        ctx.save_for_backward(geometry.Plan.Relu ? [input, weight, bias, output.detach()] : [input, weight, bias]);
        ctx.save_data(GeometryKey, geometry);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var geometry = (Geometry)ctx.get_data(GeometryKey);
        var (kernels, input) = (geometry.Kernels, saved[0]);
        var output = geometry.Plan.Relu ? saved[3] : null;
        var upstream = kernels.Readable(gradient);
        var (inputs, partial) = kernels.Backward(geometry.NewCall(saved[1], saved[2]), (input, output, upstream, null));
        var parameters = kernels.Sum([partial], input);
        return [inputs[0], parameters[0], parameters[1], null];
    }

    /// <summary>What a call needs besides the tensors that have gradients.</summary>
    private sealed record Geometry(CudaConvolution Kernels, ConvolutionPlan Plan, Tensor Rows, ActivationDrop Drop)
    {
        public CudaConvolutionCall NewCall(Tensor weight, Tensor bias) => Kernels.NewCall(Plan, weight, bias, Rows, 0, 1, Drop);
    }
}
