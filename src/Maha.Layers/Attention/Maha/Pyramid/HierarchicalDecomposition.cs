using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width, r compression ratio, k kernel size

/// <summary>
/// Shortens a sequence repeatedly, so that a token of scale s summarizes about r^s tokens.
/// </summary>
/// <remarks>
/// <para>Section 4.1 of the paper, equation 5: X_0 = X and X_s = D_s(X_{s-1}), where D_s is a convolution D -&gt; D of width k with stride r
/// and padding k / 2 (equation 6), or the adaptive maximum of <see cref="DecompositionKind.AdaptiveMaxPool"/> (equation 7).
/// The same operators are applied to the values of the attention, so that values and keys of a scale have one length.</para>
/// <para>Cost: k * D^2 * N / (r - 1) multiply-adds in all. Padding masks are not supported: the padded positions of a batch are mixed into its coarse
/// tokens.</para>
/// </remarks>
internal sealed class HierarchicalDecomposition : Module<Tensor, IReadOnlyList<Tensor>>
{
    [ComponentName(Name = "downsamplers")] private readonly ModuleList<ConvolutionWeights> _downsamplers;
    private readonly int _dModel;
    private readonly int _kernelSize;
    private readonly DecompositionKind _kind;

    /// <summary>Creates the operators of a decomposition.</summary>
    /// <param name="dModel">D, the width of the tokens.</param>
    /// <param name="numScales">S, the number of scales, including that of the input; at least 1.</param>
    /// <param name="compressionRatio">r, the number of tokens that become one; at least 2.</param>
    /// <param name="kind">The operator; the learned convolution by default.</param>
    /// <param name="kernelSize">k, an odd number; used by the convolution only.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public HierarchicalDecomposition(
        int dModel, int numScales, int compressionRatio, DecompositionKind kind = DecompositionKind.StridedConvolution, int kernelSize = 3)
        : base(TorchLibrary.EnsureLoadedFor(nameof(HierarchicalDecomposition)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(numScales, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(compressionRatio, 2);
        TensorChecks.Known(kind, nameof(kind));
        if (kernelSize < 1 || kernelSize % 2 == 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(kernelSize), kernelSize,
                $"kernelSize must be odd and positive, so that a token is in the middle of its kernel, but is {kernelSize}. The paper uses 3.");
        }
        _dModel = dModel;
        _kernelSize = kernelSize;
        _kind = kind;
        NumScales = numScales;
        CompressionRatio = compressionRatio;

        int learned = kind == DecompositionKind.StridedConvolution ? numScales - 1 : 0;
        _downsamplers = new ModuleList<ConvolutionWeights>([.. Enumerable.Range(0, learned).Select(_ => new ConvolutionWeights(dModel, dModel, kernelSize))]);
        RegisterComponents();
    }

    /// <summary>S, the number of scales, including that of the input.</summary>
    public int NumScales { get; }

    /// <summary>r, the ratio of the lengths of neighboring scales.</summary>
    public int CompressionRatio { get; }

    /// <summary>Computes the sequence at every scale.</summary>
    /// <param name="input">[B, N, D].</param>
    /// <returns>S tensors [B, N_s, D], the finest first; <see cref="ScaleLengths"/> has the lengths.</returns>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or no token.</exception>
    public override IReadOnlyList<Tensor> forward(Tensor input)
    {
        TensorChecks.Hidden(input, _dModel, _downsamplers.Count > 0 ? _downsamplers[0].Weight : null, nameof(input));
        using var scope = NewDisposeScope();
        var scales = new Tensor[NumScales];
        scales[0] = input.alias();
        for (int scale = 1; scale < NumScales; scale++)
        {
            var finer = scales[scale - 1];
            scales[scale] = _kind == DecompositionKind.StridedConvolution
                ? DenseConvolution.Apply(finer, _downsamplers[scale - 1], CompressionRatio, padding: _kernelSize / 2, dilation: 1)
                : functional.adaptive_max_pool1d(finer.transpose(1, 2), Math.Max(1, finer.shape[1] / CompressionRatio)).transpose(1, 2); // [B, N_s, D]
        }
        scope.MoveToOuter(scales);
        return scales;
    }
}
