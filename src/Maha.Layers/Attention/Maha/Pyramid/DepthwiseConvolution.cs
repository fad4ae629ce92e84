using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N' output length, D width, k kernel size

/// <summary>A convolution over tokens that does not mix channels and never reads past a document's end.</summary>
/// <remarks>
/// y_j = b + sum over t of W_t * x_{j * stride + offset + t * dilation}, elementwise in D; tokens outside the document count as 0. Cost: 2 * k * D * N'.
/// </remarks>
internal sealed class DepthwiseConvolution : Module<Tensor, ConvolutionLengths, Tensor>
{
    [ComponentName(Name = "conv")] private readonly ConvolutionWeights _weights;
    private readonly int _dModel;
    private readonly int _kernelSize;
    private readonly int _stride;
    private readonly int _dilation;
    private readonly bool _relu;
    private readonly int _offset;

    /// <summary>Creates a convolution with random weights.</summary>
    public DepthwiseConvolution(int dModel, int kernelSize, int stride, int dilation, bool relu, bool isCausal = false)
        : base(nameof(DepthwiseConvolution))
    {
        (_dModel, _kernelSize, _stride, _dilation, _relu) = (dModel, kernelSize, stride, dilation, relu);

        // Centered; in a causal convolution the last tap is the last token of the output's stride cell.
        _offset = isCausal ? stride - 1 - (dilation * (kernelSize - 1)) : -dilation * (kernelSize / 2);
        _weights = new ConvolutionWeights(dModel, dModel, kernelSize, groups: dModel);
        RegisterComponents();
    }

    /// <summary>Applies the convolution; rows past the output lengths are 0.</summary>
    /// <param name="input">[B, N, D].</param>
    /// <param name="lengths">The numbers of valid tokens before and after.</param>
    /// <returns>[B, N', D].</returns>
    public override Tensor forward(Tensor input, ConvolutionLengths lengths) => Apply(input, lengths, null);

    /// <summary>Applies the convolution and dropout.</summary>
    public Tensor ForwardWithDropout(Tensor input, ConvolutionLengths lengths, ActivationDropout dropout)
    {
        using var scope = NewDisposeScope();
        return Apply(input, lengths, dropout).MoveToOuterDisposeScope();
    }

    /// <summary>The weights.</summary>
    internal ConvolutionWeights Weights => _weights;

    /// <summary>Returns the geometry for a number of documents and lengths in memory.</summary>
    internal ConvolutionPlan Plan(int batch, int length, int outputLength) =>
        new(batch, length, outputLength, _dModel, _kernelSize, _stride, _dilation, _offset, _relu);

    private Tensor Apply(Tensor input, ConvolutionLengths lengths, ActivationDropout? dropout)
    {
        var plan = Plan((int)input.shape[0], (int)input.shape[1], lengths.OutputLength);
        if (CudaConvolutionFunction.TryApply(input, _weights, plan, lengths, dropout) is { } fused)
            return fused;
        var output = TensorMemory.Reachable(input)
            ? DepthwiseConvolutionFunction.Apply(input, _weights.Weight, _weights.Bias, plan, lengths.Input, lengths.Output)
            : Fallback(input, _weights.Weight, _weights.Bias, plan, lengths.Input, lengths.Output);
        return dropout?.call(output) ?? output;
    }

    /// <summary>
    /// Computes the same by tensor operators: one shifted product per tap, which is faster than grouped convolutions on every device measured.
    /// </summary>
    public static Tensor Fallback(Tensor input, Tensor weight, Tensor bias, ConvolutionPlan plan, int[] inputLengths, int[] outputLengths)
    {
        using var scope = NewDisposeScope();
        var cleared = TokenMasks.Clear(input, inputLengths);
        long reach = ((long)(plan.OutputLength - 1) * plan.Stride) + plan.Offset + ((long)(plan.KernelSize - 1) * plan.Dilation);
        long before = Math.Max(0, -plan.Offset), after = Math.Max(0, reach + 1 - plan.InputLength);
        var padded = functional.pad(cleared, [0, 0, before, after]); // [B, before + N + after, D]
        var taps = weight.squeeze(1).t(); // [k, D]
        var sum = bias;
        for (int tap = 0; tap < plan.KernelSize; tap++)
        {
            long start = before + plan.Offset + ((long)tap * plan.Dilation);
            var shifted = padded.slice(1, start, start + ((long)(plan.OutputLength - 1) * plan.Stride) + 1, plan.Stride); // [B, N', D]
            sum = sum.addcmul(shifted, taps[tap], 1);
        }
        if (plan.Relu)
            sum = functional.relu(sum);
        return TokenMasks.Clear(sum, outputLengths).MoveToOuterDisposeScope();
    }
}

/// <summary>The numbers of valid tokens per document before and after a convolution, and the length of its output.</summary>
/// <param name="Input">The number of valid input tokens of each document.</param>
/// <param name="Output">The number of valid output tokens of each document.</param>
/// <param name="OutputLength">N'.</param>
internal sealed record ConvolutionLengths(int[] Input, int[] Output, int OutputLength);
