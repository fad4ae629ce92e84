using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N_s length at scale s, S scales, D width

/// <summary>
/// The autograd function of the decomposition of two sequences, hidden states and values, by the same strided convolutions on a CUDA device: a launch per scale
/// for both. Arguments: the two finest scales [B, N, D], weight and bias of every convolution, the <see cref="Geometry"/>. Outputs: the coarser scales of the
/// first, then those of the second.
/// </summary>
internal sealed class CudaPyramidFunction : DifferentiableFunction<CudaPyramidFunction>
{
    private const string GeometryKey = "geometry";
    private const int Chains = ChainAddresses.Count;

    /// <summary>Computes the scales of two sequences, [B, N_s, D] each; null where the kernels can't be used.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="values">[B, N, D].</param>
    /// <param name="convolutions">That of scale s at place s - 1.</param>
    /// <param name="hierarchy">The lengths; at least two scales.</param>
    public static (Tensor[] Hidden, Tensor[] Values)? TryApply(
        Tensor hidden, Tensor values, IEnumerable<DepthwiseConvolution> convolutions, ScaleHierarchy hierarchy)
    {
        DepthwiseConvolution[] used = [.. convolutions.Take(hierarchy.Count - 1)];
        if (values.dtype != hidden.dtype || CudaConvolution.TryGet(hidden, used[0].Weights.Weight, used[0].Weights.Bias) is not { } kernels)
            return null;
        using var scope = NewDisposeScope();
        int batch = (int)hidden.shape[0];
        ConvolutionPlan[] plans = [.. used.Select((convolution, i) => convolution.Plan(batch, hierarchy.Lengths[i], hierarchy.Lengths[i + 1]))];
        var geometry = new Geometry(kernels, plans, hierarchy.Table(hidden.device));
        Tensor[] finest = [kernels.Readable(hidden), kernels.Readable(values)];
        Tensor[] parameters = [.. used.SelectMany(convolution => new Tensor[] { convolution.Weights.Weight, convolution.Weights.Bias })];
        bool differentiable = GradientNeed.Of([hidden, values, .. parameters]);
        var coarser = differentiable ? Call([.. finest, .. parameters, geometry]) : Run(finest, parameters, geometry);
        Tensor[] first = [hidden.alias(), .. coarser.Take(plans.Length)], second = [values.alias(), .. coarser.Skip(plans.Length)];
        scope.MoveToOuter([.. first, .. second]);
        return (first, second);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments)
    {
        var geometry = (Geometry)arguments[^1];
        int levels = geometry.Plans.Length;
        Tensor[] finest = [(Tensor)arguments[0], (Tensor)arguments[1]];
        Tensor[] parameters = [.. arguments.Skip(Chains).SkipLast(1).Cast<Tensor>()];
        var coarser = Run(finest, parameters, geometry);

        // The coarsest scales are no input of a convolution. A saved output would keep the function alive that saves it; another tensor on its memory does not.
        var inputs = Enumerable.Range(0, Chains).SelectMany(chain => coarser.Skip(chain * levels).Take(levels - 1)).Select(tensor => tensor.detach());
        ctx.save_for_backward([.. finest, .. inputs, .. parameters]);
        ctx.save_data(GeometryKey, geometry);
        return coarser;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients)
    {
        var saved = ctx.get_saved_variables();
        var geometry = (Geometry)ctx.get_data(GeometryKey);
        var kernels = geometry.Kernels;
        int levels = geometry.Plans.Length, firstParameter = Chains * levels;
        var like = saved[0];
        var partials = new Tensor[levels];
        var below = new Tensor?[Chains]; // the gradients of the scale that is reached, from the coarser ones and its own
        for (int level = levels - 1; level >= 0; level--)
        {
            var plan = geometry.Plans[level];
            var chains = new (Tensor, Tensor?, Tensor, Tensor?)[Chains];
            for (int chain = 0; chain < Chains; chain++)
            {
                var input = level == 0 ? saved[chain] : saved[Chains + (chain * (levels - 1)) + level - 1];
                var own = below[chain] ?? Readable(gradients[(chain * levels) + level])
                    ?? zeros([plan.Batch, plan.OutputLength, plan.Width], like.dtype, like.device);
                chains[chain] = (input, null, own, level == 0 ? null : Readable(gradients[(chain * levels) + level - 1]));
            }
            var call = geometry.NewCall(level, saved[firstParameter + (2 * level)], saved[firstParameter + (2 * level) + 1]);
            (var inputs, partials[level]) = kernels.Backward(call, chains);
            inputs.CopyTo(below, 0);
        }
        return [.. below, .. kernels.Sum(partials, like), null];

        Tensor? Readable(Tensor? gradient) => gradient is null ? null : kernels.Readable(gradient);
    }

    // The coarser scales of the first sequence, then those of the second.
    private static Tensor[] Run(Tensor[] finest, Tensor[] parameters, Geometry geometry)
    {
        int levels = geometry.Plans.Length;
        var coarser = new Tensor[Chains * levels];
        var inputs = finest;
        for (int level = 0; level < levels; level++)
        {
            inputs = geometry.Kernels.Forward(geometry.NewCall(level, parameters[2 * level], parameters[(2 * level) + 1]), inputs);
            (coarser[level], coarser[levels + level]) = (inputs[0], inputs[1]);
        }
        return coarser;
    }

    /// <summary>What a call needs besides the tensors that have gradients.</summary>
    /// <param name="Kernels">The kernels.</param>
    /// <param name="Plans">The convolution from scale s to s + 1 at place s.</param>
    /// <param name="Rows">The valid rows per scale and document.</param>
    private sealed record Geometry(CudaConvolution Kernels, ConvolutionPlan[] Plans, Tensor Rows)
    {
        public CudaConvolutionCall NewCall(int level, Tensor weight, Tensor bias) =>
            Kernels.NewCall(Plans[level], weight, bias, Rows, level, level + 1, ActivationDrop.None);
    }
}
