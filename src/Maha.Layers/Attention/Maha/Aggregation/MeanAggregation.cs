using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>
/// The mean of the scales that are available: w_s = 1 / (number of available scales).
/// </summary>
/// <remarks>It has no parameters and no prices, and is the baseline for the other aggregations. Cost: S * N * D.</remarks>
internal sealed class MeanAggregation : ScaleAggregation
{
    /// <summary>Creates the aggregation.</summary>
    /// <param name="numScales">S, at least 1.</param>
    public MeanAggregation(int numScales) : base(nameof(MeanAggregation), numScales)
    {
    }

    /// <inheritdoc/>
    public override AggregationResult? TryAggregate(CudaScales scales)
    {
        using var scope = NewDisposeScope();
        var (output, weights, _, _) = CudaScaleFunction.Apply(scales, new CudaScaleSettings(ScaleWeightRule.Equal));
        return new AggregationResult(output, weights, NoLoss(output), SolverDiagnostics.ClosedForm).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override AggregationResult forward(ScaleOutputs scales)
    {
        Check(scales);
        using var scope = NewDisposeScope();
        var finest = scales.Upsampled[0];
        Tensor weights; // [B, S] or [B, N, S]
        if (scales.UnavailableScales is null)
        {
            weights = full([finest.shape[0], NumScales], 1.0 / NumScales, finest.dtype, finest.device);
        }
        else
        {
            var available = scales.UnavailableScales.logical_not().to(finest.dtype);
            weights = available / available.sum(-1, keepdim: true);
        }
        var output = WeightedSum(scales, weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(finest), SolverDiagnostics.ClosedForm).MoveToOuterDisposeScope();
    }
}
