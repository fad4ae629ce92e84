using Maha.Layers.Core;
using Maha.Layers.Weights;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>
/// Learned weights, the same for every document and token: w = softmax(logits).
/// </summary>
/// <remarks>
/// The published code calls this 'convex' (section 4.3 of the paper, equation 9), although no program is solved: its penalty lambda * ||w||_1 is the
/// constant lambda on the simplex, so it shifts the loss and has no gradient. It is kept for parity.
/// Unavailable scales get no weight. There are no prices. Cost: S * N * D.
/// </remarks>
internal sealed class SoftmaxAggregation : ScaleAggregation
{
    // Not readonly: a move to another type or device replaces the parameter.
    [ComponentName(Name = "logits")] private readonly Parameter _logits;
    private readonly double _sparsityWeight;

    /// <summary>Creates the aggregation with equal weights.</summary>
    /// <param name="numScales">S, at least 1.</param>
    /// <param name="sparsityWeight">lambda of the penalty lambda * ||w||_1.</param>
    /// <exception cref="ArgumentOutOfRangeException">S is below 1, or lambda is negative or not finite.</exception>
    public SoftmaxAggregation(int numScales, double sparsityWeight = 0.1) : base(nameof(SoftmaxAggregation), numScales)
    {
        if (!double.IsFinite(sparsityWeight) || sparsityWeight < 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(sparsityWeight), sparsityWeight,
                $"sparsityWeight must be finite and not negative, but is {sparsityWeight}. The published code uses 0.1.");
        }
        _sparsityWeight = sparsityWeight;
        _logits = Parameter(zeros(numScales));
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <inheritdoc/>
    public override AggregationResult forward(ScaleOutputs scales)
    {
        Check(scales);
        TensorChecks.SameKind(scales.Upsampled[0], _logits, nameof(scales));
        using var scope = NewDisposeScope();
        long batchSize = scales.Upsampled[0].shape[0];
        var weights = Weights(_logits, scales.UnavailableScales, batchSize); // [B, S] or [B, N, S]
        var penalty = _sparsityWeight * weights.abs().sum(-1).mean();
        var output = WeightedSum(scales, weights); // [B, N, D]
        return new AggregationResult(output, weights, penalty, SolverDiagnostics.ClosedForm).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override AggregationResult? TryAggregate(CudaScales scales)
    {
        if (scales.Hierarchy.IsCausal)
            return null;
        using var scope = NewDisposeScope();
        int[] available = scales.Hierarchy.Available;
        bool[] missing = [.. Enumerable.Range(0, available.Length * NumScales).Select(i => i % NumScales >= available[i / NumScales])];
        var unavailable = missing.Contains(true) ? tensor(missing, [available.Length, NumScales], device: _logits.device) : null;

        // In float32 up to the gradient of the logits, in which terms of both signs nearly cancel.
        var weights = Weights(_logits.to(ScalarType.Float32), unavailable, available.Length).contiguous(); // [B, S]
        var penalty = (_sparsityWeight * weights.abs().sum(-1).mean()).to(_logits.dtype);
        var (output, reported, _, _) = CudaScaleFunction.Apply(scales, new CudaScaleSettings(ScaleWeightRule.Given), given: weights);
        return new AggregationResult(output, reported, penalty, SolverDiagnostics.ClosedForm).MoveToOuterDisposeScope();
    }

    private static Tensor Weights(Tensor logits, Tensor? unavailable, long batchSize) =>
        unavailable is null
            ? logits.softmax(0).expand(batchSize, logits.shape[0])
            : logits.masked_fill(unavailable, double.NegativeInfinity).softmax(-1);
}
