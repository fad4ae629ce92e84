using System.Numerics;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N tokens, S scales, D width

/// <summary>
/// The differentiable call of <see cref="ScaleGramKernel"/>. Arguments: plan, valid lengths, available scales, then one [B, N_s, D] per scale.
/// </summary>
internal sealed unsafe class ScaleGramFunction : SingleOutputFunction<ScaleGramFunction>
{
    private const string PlanKey = "plan";
    private const string LengthsKey = "lengths";
    private const string AvailableKey = "available";

    // The arguments before the scales: plan, lengths, available.
    private const int Leading = 3;

    /// <summary>Computes G, [B, S, S].</summary>
    public static Tensor Apply(ScalePlan plan, int[] validLengths, int[] available, IReadOnlyList<Tensor> scales) =>
        CallContiguous([plan, validLengths, available, .. scales]);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (plan, lengths, available) = ((ScalePlan)arguments[0], (int[])arguments[1], (int[])arguments[2]);
        Tensor[] scales = [.. arguments.Skip(Leading).Cast<Tensor>()];
        var gram = empty([plan.Batch, plan.Scales, plan.Scales], scales[0].dtype);
        if (gram.dtype == ScalarType.Float32)
            Forward<float>(plan, lengths, available, scales, gram);
        else
            Forward<double>(plan, lengths, available, scales, gram);
        ctx.save_for_backward([.. scales]);
        ctx.save_data(PlanKey, plan);
        ctx.save_data(LengthsKey, lengths);
        ctx.save_data(AvailableKey, available);
        return gram;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var scales = ctx.get_saved_variables();
        var plan = (ScalePlan)ctx.get_data(PlanKey);
        var (lengths, available) = ((int[])ctx.get_data(LengthsKey), (int[])ctx.get_data(AvailableKey));
        var upstream = gradient.contiguous();
        Tensor[] scaleGradients = [.. scales.Select(scale => zeros_like(scale))];
        if (upstream.dtype == ScalarType.Float32)
            Backward<float>(plan, lengths, available, scales, upstream, scaleGradients);
        else
            Backward<double>(plan, lengths, available, scales, upstream, scaleGradients);
        return [null, null, null, .. scaleGradients];
    }

    private static void Forward<T>(ScalePlan plan, int[] lengths, int[] available, Tensor[] scales, Tensor gram)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        ScaleGramKernel.Forward(plan, lengths, available, TensorMemory.Pointers<T>(scales), TensorMemory.Pointer<T>(gram), get_num_threads());

    private static void Backward<T>(ScalePlan plan, int[] lengths, int[] available, List<Tensor> scales, Tensor gradient, Tensor[] scaleGradients)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        ScaleGramKernel.Backward(
            plan, lengths, available, TensorMemory.Pointers<T>(scales), TensorMemory.Pointer<T>(gradient), TensorMemory.Pointers<T>(scaleGradients),
            get_num_threads());
}
