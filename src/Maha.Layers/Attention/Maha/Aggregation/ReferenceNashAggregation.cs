using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>
/// A few steps in which a scale gets the more weight the nearer its output is to the consensus of all scales.
/// </summary>
/// <remarks>
/// <para>The published code calls this 'nash' (section 4.3 of the paper, equation 10): w_s = 1/S, then T times: O* = sum_s w_s U(O_s),
/// e_s = ||U(O_s) - O*||_F over the document, w = softmax(-e). It is kept for parity: T is fixed, no equilibrium is solved, and since e grows with
/// sqrt(N * D) the softmax saturates for long documents.</para>
/// <para>The reported residual is the largest change of a weight in the last step; up to 1e-4 the weights count as converged.
/// Padding, unavailable scales and causal models are refused. There are no prices. Cost: T * S * N * D.</para>
/// </remarks>
internal sealed class ReferenceNashAggregation : ScaleAggregation
{
    // A change of a weight below this changes no output by more than float32's rounding of a sum over N * D.
    private const double ConvergedChange = 1e-4;

    private readonly int _iterations;

    /// <summary>Creates the aggregation.</summary>
    /// <param name="numScales">S, at least 1.</param>
    /// <param name="iterations">T, the number of steps; at least 1.</param>
    public ReferenceNashAggregation(int numScales, int iterations = 3) : base(nameof(ReferenceNashAggregation), numScales)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, 1);
        _iterations = iterations;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A mask is given, or the model is causal.</exception>
    public override AggregationResult forward(ScaleOutputs scales)
    {
        Check(scales);
        if (scales.KeyPaddingMask is not null || scales.UnavailableScales is not null || scales.IsCausal)
        {
            throw new ArgumentException(
                "ReferenceNash measures distances over whole documents and supports no masks, but padding, unavailable scales or a causal model were given. "
                + "Choose another aggregation, or batches of documents of equal length.",
                nameof(scales));
        }
        using var scope = NewDisposeScope();
        var finest = scales.Upsampled[0];
        var outputs = stack(scales.Upsampled.ToArray(), 1); // [B, S, N, D]
        var weights = full([finest.shape[0], NumScales], 1.0 / NumScales, finest.dtype, finest.device); // [B, S]
        var previous = weights;
        for (int step = 0; step < _iterations; step++)
        {
            previous = weights;
            var consensus = WeightedSum(scales, weights); // [B, N, D]
            var distances = (outputs - consensus.unsqueeze(1)).flatten(2).norm(2, false, 2f); // [B, S]
            weights = distances.neg().softmax(1);
        }
        var diagnostics = new SolverDiagnostics
        {
            Iterations = _iterations,
            Residuals = (weights - previous).abs().amax(1).detach(), // [B]
            Tolerance = ConvergedChange,
        };
        var output = WeightedSum(scales, weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(finest), diagnostics).MoveToOuterDisposeScope();
    }
}
