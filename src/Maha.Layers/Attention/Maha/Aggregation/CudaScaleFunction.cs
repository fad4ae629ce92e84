using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width

/// <summary>
/// The autograd function of <see cref="CudaScaleAggregation"/>. Arguments: one [B, N_s, D] per scale, utility [D], bias [S] and given weights [B, S] (null
/// where they don't exist), the aggregation. Outputs: the weighted sum [B, N, D]; without gradients the weights, the residuals and the steps of the solver.
/// </summary>
internal sealed class CudaScaleFunction : DifferentiableFunction<CudaScaleFunction>
{
    private const string AggregationKey = "aggregation";
    private const string PresentKey = "present";

    // The arguments after the scales: utility, bias, given weights, aggregation.
    private const int Trailing = 4;

    /// <summary>Computes the aggregation.</summary>
    /// <param name="scales">The outputs of the scales.</param>
    /// <param name="settings">The rule of the weights.</param>
    /// <param name="utility">v [D]; null for none.</param>
    /// <param name="bias">b [S]; null for none.</param>
    /// <param name="given">The weights [B, S], float32; null where the rule is another one.</param>
    /// <returns>The sum [B, N, D]; the weights [B, N, S] or [B, S]; residuals and steps [B].</returns>
    public static (Tensor Mixed, Tensor Weights, Tensor Residuals, Tensor Steps) Apply(
        CudaScales scales, CudaScaleSettings settings, Tensor? utility = null, Tensor? bias = null, Tensor? given = null)
    {
        using var scope = NewDisposeScope();
        var aggregation = new CudaScaleAggregation(scales, settings);
        Tensor[] outputs;
        if (GradientNeed.Of([.. scales.Outputs, utility, bias, given]))
        {
            outputs = Call([.. scales.Outputs, utility, bias, given, aggregation]);
            for (int i = 1; i < outputs.Length; i++)
                outputs[i] = outputs[i].detach();
        }
        else
        {
            var (mixed, weights, residuals, steps, _) = aggregation.Forward(scales.Outputs, utility, bias, given, keepsState: false);
            outputs = [mixed, weights, residuals, steps];
        }
        scope.MoveToOuter(outputs);
        return (outputs[0], outputs[1], outputs[2], outputs[3]);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments)
    {
        Tensor[] outputs = [.. arguments.SkipLast(Trailing).Cast<Tensor>()];
        var parameters = arguments[^Trailing..^1].Select(argument => argument as Tensor).ToArray();
        var aggregation = (CudaScaleAggregation)arguments[^1];
        var (mixed, weights, residuals, steps, state) = aggregation.Forward(outputs, parameters[0], parameters[1], parameters[2], keepsState: true);

        // Given weights are an output as well, but not the same tensor.
        var reported = ReferenceEquals(weights, parameters[2]) ? weights.detach() : weights;
        ctx.save_for_backward([.. outputs, weights.detach(), state, .. parameters[..2].OfType<Tensor>()]);
        ctx.save_data(PresentKey, parameters.Select(parameter => parameter is not null).ToArray());
        ctx.save_data(AggregationKey, aggregation);
        return [mixed, reported, residuals, steps];
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients)
    {
        var saved = ctx.get_saved_variables();
        bool[] present = (bool[])ctx.get_data(PresentKey);
        var aggregation = (CudaScaleAggregation)ctx.get_data(AggregationKey);
        int parameters = (present[0] ? 1 : 0) + (present[1] ? 1 : 0), scales = saved.Count - parameters - 2;
        var utility = present[0] ? saved[scales + 2] : null;
        var bias = present[1] ? saved[^1] : null;
        if (gradients[0] is not { } gradient)
            return new Tensor?[scales + Trailing];
        var (outputs, byUtility, byBias, byGiven) = aggregation.Backward([.. saved.Take(scales)], utility, bias, saved[scales], saved[scales + 1], gradient);
        return [.. outputs, byUtility, byBias, present[2] ? byGiven : null, null];
    }
}
