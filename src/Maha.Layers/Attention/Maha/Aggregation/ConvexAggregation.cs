using Maha.Layers.Core;
using Maha.Layers.Kernels;
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
/// <para>The resource allocation of section 4.3 of the paper: a* = argmin of 1/2 a^T (I + rho G) a - c^T a over the weights a with sum 1 and a_s &gt;= f p_s.
/// G is the Gram matrix of the RMS-normalized scale outputs R_s over the document's valid tokens, kappa the relative cost of the scales, f the floor. The
/// program is strictly convex and is solved exactly; the gradient is that of the KKT conditions on the support.</para>
/// <para><see cref="UtilityForm.Softmax"/>: u_s = &lt;v, R_s&gt; / sqrt(D) + b_s (v and b learned), p = softmax(u / tau), c = p - lambda kappa. Up to a
/// constant the objective is 1/2 |a - p|^2 + rho/2 a^T G a + lambda kappa^T a: the weights are the learned allocation p, moved away from redundant and costly
/// scales. p has no zeros, and a = f p + (1 - f) z, so that the utilities of every scale have a gradient even where z is at a vertex of the simplex.</para>
/// <para><see cref="UtilityForm.Linear"/>: u_s = &lt;v, U(O_s)&gt; + b_s, c = (u - lambda kappa) / tau, p_s = 1 / (number of available scales). Two scales
/// share the weight only where |c_1 - c_2| &lt; 1 + rho (1 - G_12); beyond that the solution is a vertex, at which no utility has a gradient. A step of Adam
/// at rate eta can move u_1 - u_2 by eta * |O_1 - O_2|_1, which grows with D: some hundred steps lead to a vertex, and nothing leads back.</para>
/// <para>Without a floor weights may be exactly 0. Padded tokens get weight 0 at every scale. Residuals are those of the KKT conditions of z, relative, in
/// float64. Cost: O(S * N * D) for Gram matrix and sum, O(S^2 * N) for the solver.</para>
/// <para>In a causal model every token has its own program with its own Gram matrix &lt;R_s(i), R_m(i)&gt; / D.</para>
/// </remarks>
internal sealed class ConvexAggregation : ScaleAggregation
{
    // The bound of the residual that float64 guarantees at any rho up to 1e6; the weights of float32 tokens are solved in float64 as well.
    private const double ResidualBound = 1e-9;

    // The kernels of CUDA devices solve in float32, and without refinement, which larger prices need.
    private const double SingleResidualBound = 1e-5;
    private const double MostRedundancyOfKernels = 10;

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
        var utilities = Utilities(compact); // [B, R, S'] with R = N or 1
        var costs = scales.RelativeCosts?.narrow(1, 0, used).unsqueeze(1); // [B, 1, S']
        bool perToken = _options.Granularity == WeightGranularity.Token;
        int[] valid = compact.Hierarchy.ValidLengths[0];
        var batch = new SimplexBatch(_options.RedundancyPrice, perToken ? valid : [.. valid.Select(_ => 1)], compact.Hierarchy.Available);
        var gram = compact.Gram().to(ScalarType.Float64); // [B, S', S']
        var unavailable = compact.Hierarchy.Available.Min() < used ? compact.Unavailable(gram.device).narrow(1, 0, used).unsqueeze(1) : null; // [B, 1, S']
        var solved = Solve(utilities, costs, unavailable, gram, batch).to(compact.Outputs[0].dtype);
        var weights = functional.pad(perToken ? solved : solved.squeeze(1), [0, NumScales - used]); // [B, N, S] or [B, S]
        var output = compact.Mix(weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(output), Diagnostics(batch, output.device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override AggregationResult? TryAggregate(CudaScales scales)
    {
        bool hasUtility = _options.Granularity != WeightGranularity.InputFree;
        if (_options.RedundancyPrice > MostRedundancyOfKernels || scales.Outputs[0].dtype != _utility.dtype || !CudaElements.IsAligned(_utility)
            || (scales.Hierarchy.IsCausal && _options.Granularity == WeightGranularity.Document))
        {
            return null;
        }
        using var scope = NewDisposeScope();
        bool isToken = _options.Granularity == WeightGranularity.Token || scales.Hierarchy.IsCausal;
        var settings = new CudaScaleSettings(isToken ? ScaleWeightRule.Token : ScaleWeightRule.Document)
        {
            UsesGram = true,
            HasUtility = hasUtility,
            IsSoftmax = _options.UtilityForm == UtilityForm.Softmax,
            Redundancy = _options.RedundancyPrice,
            Temperature = _options.Temperature,
            Floor = _options.WeightFloor,
            Price = _options.CostPrice,
        };
        var (output, weights, residuals, steps) = CudaScaleFunction.Apply(scales, settings, hasUtility ? _utility : null, _bias);
        var diagnostics = new SolverDiagnostics { Residuals = residuals, Steps = steps, Tolerance = SingleResidualBound };
        return new AggregationResult(output, weights, NoLoss(output), diagnostics).MoveToOuterDisposeScope();
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
        var utilities = _bias.expand(batchSize, length, NumScales); // [B, N, S]
        if (_options.Granularity == WeightGranularity.Token)
            utilities = utilities + stack([.. scales.Upsampled.Select(Utility)], -1);
        int[] available = CausalScales.Available(scales, NumScales);
        var batch = new SimplexBatch(_options.RedundancyPrice, [.. available.Select(_ => 1)], available);
        var gram = CausalScales.TokenGram(scales, available).to(ScalarType.Float64).reshape(-1, NumScales, NumScales); // [B * N, S, S]
        var costs = scales.RelativeCosts?.unsqueeze(1).expand(batchSize, length, NumScales).reshape(-1, 1, NumScales);
        var unavailable = scales.UnavailableScales?.reshape(-1, 1, NumScales);
        var solved = Solve(utilities.reshape(-1, 1, NumScales), costs, unavailable, gram, batch);
        var weights = solved.to(finest.dtype).reshape(batchSize, length, NumScales);
        var output = WeightedSum(scales, weights); // [B, N, D]
        return new AggregationResult(output, weights, NoLoss(output), Diagnostics(batch, output.device)).MoveToOuterDisposeScope();
    }

    private static SolverDiagnostics Diagnostics(SimplexBatch batch, Device device) => new()
    {
        Iterations = batch.Steps,
        Residuals = tensor(batch.Residuals, device: device),
        Tolerance = ResidualBound,
    };

    // Solves the programs of all rows, in float64. Utilities [B, R, S], costs [B, 1, S] or null, unavailable [B, 1, S] or null, gram [B, S, S].
    private Tensor Solve(Tensor utilities, Tensor? costs, Tensor? unavailable, Tensor gram, SimplexBatch batch)
    {
        double floor = _options.WeightFloor;
        var price = costs is not null && _options.CostPrice > 0 ? _options.CostPrice * costs : null;
        Tensor linear; // c [B, R, S]
        Tensor preference; // p [B, R or 1, S]
        if (_options.UtilityForm == UtilityForm.Softmax)
        {
            var scores = utilities.to(ScalarType.Float64) / _options.Temperature;
            preference = (unavailable is null ? scores : scores.masked_fill(unavailable, double.NegativeInfinity)).softmax(-1);
            linear = price is null ? preference : preference - price;
        }
        else
        {
            linear = ((price is null ? utilities : utilities - price) / _options.Temperature).to(ScalarType.Float64);
            if (floor == 0)
                return SimplexFunction.Apply(linear, gram, batch);
            var available = unavailable?.logical_not().to(ScalarType.Float64) ?? ones([1, 1, linear.shape[2]], ScalarType.Float64, linear.device);
            preference = available / available.sum(-1, keepdim: true);
        }
        if (floor == 0)
            return SimplexFunction.Apply(linear, gram, batch);

        // With a = f p + (1 - f) z the program in a is the same program in z on the whole simplex, whose linear term is (c - f M p) / (1 - f).
        var fixedPart = floor * preference;
        var moved = fixedPart + (_options.RedundancyPrice * fixedPart.CheckedMatmul(gram)); // f M p
        var weights = fixedPart + ((1 - floor) * SimplexFunction.Apply((linear - moved) / (1 - floor), gram, batch));
        return batch.Rows.Any(rows => rows < weights.shape[1])
            ? weights.masked_fill(TokenMasks.Invalid(batch.Rows, weights.shape[1], weights.device).unsqueeze(-1), 0)
            : weights;
    }

    // The utility of every row of a scale [B, N_s, D], without its bias: [B, N_s].
    private Tensor Utility(Tensor rows)
    {
        var products = rows.CheckedMatmul(_utility);
        return _options.UtilityForm == UtilityForm.Linear
            ? products
            : products * (rows.square().mean([-1]) + RmsNormalization.Epsilon).rsqrt() / Math.Sqrt(_dModel);
    }

    private Tensor Utilities(CompactScales compact)
    {
        int used = compact.Outputs.Count;
        var bias = _bias.narrow(0, 0, used);
        if (_options.Granularity == WeightGranularity.InputFree)
            return bias.expand(compact.Plan.Batch, 1, used);
        var perScale = new Tensor[used];
        for (int scale = 0; scale < used; scale++)
            perScale[scale] = compact.Upsample(Utility(compact.Outputs[scale]), scale); // [B, N]
        var utilities = stack(perScale, -1) + bias; // [B, N, S']
        if (_options.Granularity == WeightGranularity.Token)
            return utilities;
        int[] valid = compact.Hierarchy.ValidLengths[0];
        var counts = tensor([.. valid.Select(n => Math.Max(1.0, n))], [valid.Length, 1, 1], device: utilities.device).to(utilities.dtype);
        var invalid = TokenMasks.Invalid(valid, utilities.shape[1], utilities.device).unsqueeze(-1);
        return utilities.masked_fill(invalid, 0).sum([1], keepdim: true) / counts; // [B, 1, S']
    }
}
