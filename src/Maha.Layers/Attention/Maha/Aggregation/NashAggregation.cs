using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>
/// Weights at the quantal response equilibrium of a game in which every scale minimizes its distance to the consensus.
/// </summary>
/// <remarks>
/// <para>Section 4.3 of the paper. The loss of scale s is e_s(a) = mean over the document's valid tokens of ||R_s - sum over m of a_m R_m||^2 / D with R the
/// RMS-normalized outputs, so that nothing saturates as N or D grow; the equilibrium is a = softmax(-(e(a) + lambda kappa) / tau). It is found on the S x S
/// Gram matrix by damped best response from equal weights and differentiated implicitly. The equilibrium is unique where tau exceeds the largest eigenvalue of
/// G; otherwise it is the one reached from equal weights.</para>
/// <para>The diagnostics report residual and iterations, and whether a document did not converge within the largest number of iterations. There is one set of
/// weights per document, and in a causal model one per token. Cost: O(S * N * D) for Gram matrix and sum, O(S^2) per iteration.</para>
/// </remarks>
internal sealed class NashAggregation : ScaleAggregation
{
    private readonly NashOptions _options;

    /// <summary>Creates the aggregation, which has no parameters.</summary>
    /// <param name="numScales">S, the number of scales.</param>
    /// <param name="options">Price, temperature, tolerance and the largest number of iterations.</param>
    public NashAggregation(int numScales, NashOptions options)
        : base(nameof(NashAggregation), numScales)
    {
        OptionChecks.Validate(options);
        _options = options;
    }

    /// <inheritdoc/>
    public override AggregationResult forward(ScaleOutputs scales)
    {
        Check(scales);
        if (scales.IsCausal)
            return Causal(scales);
        var compact = CompactScales.From(scales, NumScales);
        using var scope = NewDisposeScope();
        int used = compact.Outputs.Count;
        var device = compact.Outputs[0].device;
        var prices = scales.RelativeCosts is not null && _options.CostPrice > 0
            ? (_options.CostPrice * scales.RelativeCosts.narrow(1, 0, used)).to(ScalarType.Float64)
            : zeros([compact.Plan.Batch, used], ScalarType.Float64, device);
        var batch = new NashBatch(_options.Temperature, _options.Tolerance, _options.MaxIterations, compact.Hierarchy.Available);
        var solved = NashFunction.Apply(compact.Gram().to(ScalarType.Float64), prices, batch).to(compact.Outputs[0].dtype); // [B, S']
        var weights = functional.pad(solved, [0, NumScales - used]); // [B, S]
        var output = compact.Mix(weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(output), Diagnostics(batch, device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override AggregationResult? TryAggregate(CudaScales scales)
    {
        // The games of a causal model are those of tokens, which are solved as for other devices.
        if (scales.Hierarchy.IsCausal)
            return null;
        using var scope = NewDisposeScope();
        var batch = new NashBatch(_options.Temperature, _options.Tolerance, _options.MaxIterations, scales.Hierarchy.Available);
        var settings = new CudaScaleSettings(ScaleWeightRule.Given) { UsesGram = true, Game = new CudaScaleGame(batch, _options.CostPrice) };
        var (output, weights, _, _) = CudaScaleFunction.Apply(scales, settings);
        return new AggregationResult(output, weights, NoLoss(output), Diagnostics(batch, output.device)).MoveToOuterDisposeScope();
    }

    // Every token has its own game with its own Gram matrix.
    private AggregationResult Causal(ScaleOutputs scales)
    {
        using var scope = NewDisposeScope();
        var finest = scales.Upsampled[0];
        long batchSize = finest.shape[0], length = finest.shape[1];
        int[] available = CausalScales.Available(scales, NumScales);
        var prices = scales.RelativeCosts is not null && _options.CostPrice > 0
            ? (_options.CostPrice * scales.RelativeCosts.unsqueeze(1).expand(batchSize, length, NumScales)).to(ScalarType.Float64).reshape(-1, NumScales)
            : zeros([available.Length, NumScales], ScalarType.Float64, finest.device);
        var batch = new NashBatch(_options.Temperature, _options.Tolerance, _options.MaxIterations, available);
        var gram = CausalScales.TokenGram(scales, available).to(ScalarType.Float64).reshape(-1, NumScales, NumScales); // [B * N, S, S]
        var weights = NashFunction.Apply(gram, prices, batch).to(finest.dtype).reshape(batchSize, length, NumScales);
        var output = WeightedSum(scales, weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(output), Diagnostics(batch, finest.device)).MoveToOuterDisposeScope();
    }

    private SolverDiagnostics Diagnostics(NashBatch batch, Device device) => new()
    {
        Iterations = batch.Games.Max(game => game.Iterations),
        Residuals = tensor([.. batch.Games.Select(game => game.Residual)], device: device),
        Tolerance = _options.Tolerance,
    };
}
