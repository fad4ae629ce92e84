using Maha.Layers.Core;
using Maha.Layers.Weights;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width

/// <summary>
/// Weights that solve a quadratic program over the simplex, which weighs the utility of a scale against its redundancy with the others and its cost.
/// </summary>
/// <remarks>
/// <para>The resource allocation of section 4.3 of the paper: a* = argmin over the simplex of 1/2 a^T (I + rho G) a - (u - lambda kappa)^T a / tau, with
/// utilities u_s = &lt;v, U(O_s)&gt; + b_s (v and b learned), G the Gram matrix of the RMS-normalized scale outputs over the document's valid tokens, and kappa
/// the relative cost of the scales. The program is strictly convex and is solved exactly; the gradient is that of the KKT conditions on the support.</para>
/// <para>Weights may be exactly 0. Padded tokens get weight 0 at every scale. Residuals are those of the KKT conditions, relative, in float64.
/// Cost: O(S * N * D) for Gram matrix and sum, O(S^2 * N) for the solver.</para>
/// <para>In a causal model every token has its own program with its own Gram matrix &lt;R_s(i), R_m(i)&gt; / D.</para>
/// </remarks>
internal sealed class ConvexAggregation : ScaleAggregation
{
    // The bound of the residual that float64 guarantees at any rho up to 1e6; the weights of float32 tokens are solved in float64 as well.
    private const double ResidualBound = 1e-9;

    // Not readonly: a move to another type or device replaces the parameters.
    [ComponentName(Name = "utility")] private readonly Parameter _utility;
    [ComponentName(Name = "utility_bias")] private readonly Parameter _bias;
    private readonly ConvexOptions _options;
    private readonly int _dModel;

    /// <summary>Creates the aggregation with utilities near 0, so that the redundancy determines the weights.</summary>
    /// <param name="dModel">D, the width of a token.</param>
    /// <param name="numScales">S, the number of scales.</param>
    /// <param name="options">Granularity, prices and temperature.</param>
    public ConvexAggregation(int dModel, int numScales, ConvexOptions options)
        : base(nameof(ConvexAggregation), numScales)
    {
        OptionChecks.Validate(options);
        _options = options;
        _dModel = dModel;
        _utility = Parameter(randn(dModel) * 0.02);
        _bias = Parameter(zeros(NumScales));
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <inheritdoc/>
    public override AggregationResult forward(ScaleOutputs scales)
    {
        Check(scales);
        if (scales.Compact is null)
            TensorChecks.Hidden(scales.Upsampled[0], _dModel, _utility, nameof(scales));
        if (scales.IsCausal)
            return Causal(scales);
        var compact = CompactScales.From(scales, NumScales);
        TensorChecks.SameKind(compact.Outputs[0], _utility, nameof(scales));
        using var scope = NewDisposeScope();
        int used = compact.Outputs.Count;
        var linear = Utilities(compact); // [B, R, S'] with R = N or 1
        if (scales.RelativeCosts is not null && _options.CostPrice > 0)
            linear = linear - (_options.CostPrice * scales.RelativeCosts.narrow(1, 0, used).unsqueeze(1));
        linear = linear / _options.Temperature;

        bool perToken = _options.Granularity == WeightGranularity.Token;
        int[] valid = compact.Hierarchy.ValidLengths[0];
        var batch = new SimplexBatch(_options.RedundancyPrice, perToken ? valid : [.. valid.Select(_ => 1)], compact.Hierarchy.Available);
        var gram = compact.Gram().to(ScalarType.Float64); // [B, S', S']
        var solved = SimplexFunction.Apply(linear.to(ScalarType.Float64), gram, batch).to(compact.Outputs[0].dtype);
        var weights = functional.pad(perToken ? solved : solved.squeeze(1), [0, NumScales - used]); // [B, N, S] or [B, S]
        var output = compact.Mix(weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(output), Diagnostics(batch, output.device)).MoveToOuterDisposeScope();
    }

    // Every token has its own program with its own Gram matrix.
    private AggregationResult Causal(ScaleOutputs scales)
    {
        if (_options.Granularity == WeightGranularity.Document)
        {
            throw new ArgumentException(
                "Granularity must be Token or InputFree in a causal model, since a document's mean depends on later tokens, but is Document.", nameof(scales));
        }
        var finest = scales.Upsampled[0];
        TensorChecks.SameKind(finest, _utility, nameof(scales));
        using var scope = NewDisposeScope();
        long batchSize = finest.shape[0], length = finest.shape[1];
        var linear = _bias.expand(batchSize, length, NumScales); // [B, N, S]
        if (_options.Granularity == WeightGranularity.Token)
            linear = linear + stack([.. scales.Upsampled.Select(rows => rows.CheckedMatmul(_utility))], -1);
        if (scales.RelativeCosts is not null && _options.CostPrice > 0)
            linear = linear - (_options.CostPrice * scales.RelativeCosts.unsqueeze(1));
        linear = (linear / _options.Temperature).to(ScalarType.Float64).reshape(-1, 1, NumScales);
        int[] available = CausalScales.Available(scales, NumScales);
        var batch = new SimplexBatch(_options.RedundancyPrice, [.. available.Select(_ => 1)], available);
        var gram = CausalScales.TokenGram(scales, available).to(ScalarType.Float64).reshape(-1, NumScales, NumScales); // [B * N, S, S]
        var weights = SimplexFunction.Apply(linear, gram, batch).to(finest.dtype).reshape(batchSize, length, NumScales);
        var output = WeightedSum(scales, weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(output), Diagnostics(batch, output.device)).MoveToOuterDisposeScope();
    }

    private static SolverDiagnostics Diagnostics(SimplexBatch batch, Device device) => new()
    {
        Iterations = batch.Steps,
        Residuals = tensor(batch.Residuals, device: device),
        Tolerance = ResidualBound,
    };

    private Tensor Utilities(CompactScales compact)
    {
        int used = compact.Outputs.Count;
        var bias = _bias.narrow(0, 0, used);
        if (_options.Granularity == WeightGranularity.InputFree)
            return bias.expand(compact.Plan.Batch, 1, used);
        var perScale = new Tensor[used];
        for (int scale = 0; scale < used; scale++)
            perScale[scale] = compact.Upsample(compact.Outputs[scale].CheckedMatmul(_utility), scale); // [B, N]
        var utilities = stack(perScale, -1) + bias; // [B, N, S']
        if (_options.Granularity == WeightGranularity.Token)
            return utilities;
        int[] valid = compact.Hierarchy.ValidLengths[0];
        var counts = tensor([.. valid.Select(n => Math.Max(1.0, n))], [valid.Length, 1, 1], device: utilities.device).to(utilities.dtype);
        var invalid = TokenMasks.Invalid(valid, utilities.shape[1], utilities.device).unsqueeze(-1);
        return utilities.masked_fill(invalid, 0).sum([1], keepdim: true) / counts; // [B, 1, S']
    }
}
