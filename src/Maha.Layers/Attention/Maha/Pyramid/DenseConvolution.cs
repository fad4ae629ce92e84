using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N' output length, D input width, E output width, k kernel size

/// <summary>A convolution over tokens that mixes all channels, computed as one matrix product over the tokens under the kernel.</summary>
/// <remarks>
/// y_j = b + sum over t of W_t x_{j * stride - padding + t * dilation}; tokens outside count as 0. Cost: 2 * k * D * E * N'.
/// libtorch's own convolution is not used, because the oneDNN of libtorch 2.10 computes wrong float32 convolutions on some processors with AVX-512 where the
/// widths are not multiples of 16 (outputs off by 0.4, gradients that are not numbers). Matrix products are correct.
/// </remarks>
internal static class DenseConvolution
{
    /// <summary>Applies a convolution.</summary>
    /// <param name="input">[B, N, D].</param>
    /// <param name="weights">W [E, D, k] and b [E].</param>
    /// <param name="stride">The number of tokens between the first taps of neighboring outputs.</param>
    /// <param name="padding">The number of zeros before the first and after the last token.</param>
    /// <param name="dilation">The number of tokens between neighboring taps.</param>
    /// <returns>[B, N', E] with N' = floor((N + 2 padding - dilation (k - 1) - 1) / stride) + 1.</returns>
    public static Tensor Apply(Tensor input, ConvolutionWeights weights, long stride, long padding, long dilation)
    {
        using var scope = NewDisposeScope();
        var weight = weights.Weight;
        long kernelSize = weight.shape[2];
        var padded = functional.pad(input, [0, 0, padding, padding]); // [B, N + 2 padding, D]
        long length = ((padded.shape[1] - (dilation * (kernelSize - 1)) - 1) / stride) + 1;
        var below = Enumerable.Range(0, (int)kernelSize)
            .Select(tap => padded.slice(1, tap * dilation, (tap * dilation) + ((length - 1) * stride) + 1, stride)); // k x [B, N', D]
        var taps = weight.permute(0, 2, 1).reshape(weight.shape[0], -1); // [E, k D]
        return functional.linear(cat([.. below], -1), taps, weights.Bias).MoveToOuterDisposeScope();
    }
}
