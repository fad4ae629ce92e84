using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N_s length at scale s, S scales, D width, r compression ratio

/// <summary>The decomposition at linear cost: depthwise strided convolutions, or maxima over stride cells, masked at every scale.</summary>
/// <remarks>
/// X_0 = X; X_s = depthwise convolution of X_{s-1} (kernel 3, stride r), or its maximum over the cells [j * r, (j + 1) * r), the last one ragged.
/// Invalid tokens are ignored and their results are 0. Cost: O(N * D).
/// </remarks>
internal sealed class ScaleReduction : Module<Tensor, ScaleHierarchy, IReadOnlyList<Tensor>>
{
    private const int KernelSize = 3;
    [ComponentName(Name = "downsamplers")] private readonly ModuleList<DepthwiseConvolution> _downsamplers;
    private readonly DecompositionKind _kind;

    /// <summary>Creates the operators.</summary>
    public ScaleReduction(int dModel, int numScales, int ratio, DecompositionKind kind, bool isCausal = false)
        : base(nameof(ScaleReduction))
    {
        _kind = kind;
        int learned = kind == DecompositionKind.StridedConvolution ? numScales - 1 : 0;
        _downsamplers = new ModuleList<DepthwiseConvolution>([.. Enumerable.Range(0, learned).Select(_ =>
            new DepthwiseConvolution(dModel, KernelSize, ratio, dilation: 1, relu: false, isCausal))]);
        RegisterComponents();
    }

    /// <summary>The biases of the reductions that are learned; without them the reduction of 0 is 0.</summary>
    public IEnumerable<Tensor> Biases => _downsamplers.Select(downsampler => downsampler.Weights.Bias);

    /// <summary>Computes the sequence at every scale that the batch uses.</summary>
    /// <param name="input">[B, N, D].</param>
    /// <param name="hierarchy">The lengths.</param>
    /// <returns>[B, N_s, D] each, the finest first.</returns>
    public override IReadOnlyList<Tensor> forward(Tensor input, ScaleHierarchy hierarchy)
    {
        using var scope = NewDisposeScope();
        var scales = new Tensor[hierarchy.Count];
        scales[0] = input.alias();
        for (int scale = 1; scale < hierarchy.Count; scale++)
        {
            var lengths = new ConvolutionLengths(hierarchy.ValidLengths[scale - 1], hierarchy.ValidLengths[scale], hierarchy.Lengths[scale]);
            scales[scale] = Reduce(scale, scales[scale - 1], lengths, hierarchy.Ratio);
        }
        scope.MoveToOuter(scales);
        return scales;
    }

    /// <summary>Computes the scales of two sequences, which on a CUDA device share launches.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="values">[B, N, D].</param>
    /// <param name="hierarchy">The lengths.</param>
    /// <returns>[B, N_s, D] each, the finest first.</returns>
    public (IReadOnlyList<Tensor> Hidden, IReadOnlyList<Tensor> Values) ForwardBoth(Tensor hidden, Tensor values, ScaleHierarchy hierarchy)
    {
        if (_downsamplers.Count > 0 && hierarchy.Count > 1 && CudaPyramidFunction.TryApply(hidden, values, _downsamplers, hierarchy) is { } both)
            return both;
        return (call(hidden, hierarchy), call(values, hierarchy));
    }

    /// <summary>Computes a scale, [B, N_s, D], from the next finer one.</summary>
    public Tensor Reduce(int scale, Tensor finer, ConvolutionLengths lengths, int ratio) => _kind == DecompositionKind.StridedConvolution
        ? _downsamplers[scale - 1].call(finer, lengths)
        : CellMaximum(finer, lengths, ratio);

    private static Tensor CellMaximum(Tensor input, ConvolutionLengths lengths, int ratio)
    {
        using var scope = NewDisposeScope();
        long length = input.shape[1];
        var invalid = TokenMasks.Invalid(lengths.Input, length, input.device).unsqueeze(-1); // [B, N, 1]

        // Lower than any number of the type, so that an invalid token of a ragged cell never wins.
        var lowered = input.masked_fill(invalid, double.NegativeInfinity);
        long whole = (long)lengths.OutputLength * ratio;
        var padded = whole <= length ? lowered.narrow(1, 0, whole) : functional.pad(lowered, [0, 0, 0, whole - length], value: double.NegativeInfinity);
        var maximum = padded.unflatten(1, lengths.OutputLength, ratio).amax([2]); // [B, N', D]
        return TokenMasks.Clear(maximum, lengths.Output).MoveToOuterDisposeScope();
    }
}
