using System.Numerics;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N tokens, S scales, D width

/// <summary>
/// The differentiable call of <see cref="ScaleMixKernel"/>. Arguments: plan, valid lengths, available scales, weights [B, N, S], then one [B, N_s, D] per
/// scale.
/// </summary>
internal sealed unsafe class ScaleMixFunction : SingleOutputFunction<ScaleMixFunction>
{
    private const string PlanKey = "plan";
    private const string LengthsKey = "lengths";
    private const string AvailableKey = "available";

    // The arguments before the scales: plan, lengths, available, weights.
    private const int Leading = 4;

    /// <summary>Computes sum over s of weights[.., s] * upsampled scale s, [B, N, D].</summary>
    public static Tensor Apply(ScalePlan plan, int[] validLengths, int[] available, Tensor weights, IReadOnlyList<Tensor> scales) =>
        CallContiguous([plan, validLengths, available, weights, .. scales]);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (plan, lengths, available, weights) = ((ScalePlan)arguments[0], (int[])arguments[1], (int[])arguments[2], (Tensor)arguments[3]);
        Tensor[] scales = [.. arguments.Skip(Leading).Cast<Tensor>()];
        var output = empty([plan.Batch, plan.Length, plan.Width], weights.dtype);
        if (weights.dtype == ScalarType.Float32)
            Forward<float>(plan, lengths, available, scales, weights, output);
        else
            Forward<double>(plan, lengths, available, scales, weights, output);
        ctx.save_for_backward([weights, .. scales]);
        ctx.save_data(PlanKey, plan);
        ctx.save_data(LengthsKey, lengths);
        ctx.save_data(AvailableKey, available);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var plan = (ScalePlan)ctx.get_data(PlanKey);
        var (lengths, available) = ((int[])ctx.get_data(LengthsKey), (int[])ctx.get_data(AvailableKey));
        var upstream = gradient.contiguous();
        Tensor[] scales = [.. saved.Skip(1)];
        Tensor[] scaleGradients = [.. scales.Select(scale => zeros_like(scale))];
        var weightGradient = empty_like(saved[0]);
        if (upstream.dtype == ScalarType.Float32)
            Backward<float>(plan, lengths, available, scales, saved[0], upstream, scaleGradients, weightGradient);
        else
            Backward<double>(plan, lengths, available, scales, saved[0], upstream, scaleGradients, weightGradient);
        return [null, null, null, weightGradient, .. scaleGradients];
    }

    private static void Forward<T>(ScalePlan plan, int[] lengths, int[] available, Tensor[] scales, Tensor weights, Tensor output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ScaleMixKernel.Forward(
            plan, lengths, available, TensorMemory.Pointers<T>(scales), TensorMemory.Pointer<T>(weights), TensorMemory.Pointer<T>(output), get_num_threads());
        GC.KeepAlive(scales);
    }

    private static void Backward<T>(
        ScalePlan plan, int[] lengths, int[] available, Tensor[] scales, Tensor weights, Tensor gradient, Tensor[] scaleGradients, Tensor weightGradient)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        ScaleMixKernel.Backward(
            plan, lengths, available, TensorMemory.Pointers<T>(scales), TensorMemory.Pointer<T>(weights), TensorMemory.Pointer<T>(gradient),
            TensorMemory.Pointers<T>(scaleGradients), TensorMemory.Pointer<T>(weightGradient), get_num_threads());
}
