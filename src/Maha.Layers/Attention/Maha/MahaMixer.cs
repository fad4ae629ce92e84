using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width, H heads, K head dim, w window, r compression ratio

/// <summary>
/// Multiscale attention at linear cost: depthwise convolutions, windowed attention at every scale, and a solver for the weights of the scales.
/// </summary>
/// <remarks>
/// <para>c = Dropout(ReLU(depthwise convolution of x; kernel 3, dilation 2)), plus x with <see cref="MahaOptions.LocalResidual"/>; X_s = decomposition(c);
/// V = W_V c once and V_s = decomposition(V) with the same operators; O_s = windowed attention of W_Q^s X_s, W_K^s X_s and V_s (sections 4.1 and 4.2 of the
/// paper, with windows of 3w keys); out = aggregation of the O_s.</para>
/// <para>Padding must be on the right. Invalid tokens are cleared before every step and their output is 0: a token's output depends neither on the amount or
/// content of padding nor on the other documents of the batch. A document uses as many scales as its own length needs.</para>
/// <para>In a causal model convolutions read earlier tokens only, a query sees its own and the previous block up to itself, and token i uses the last coarse
/// token of each scale whose tokens are all at or before i; scales without one are unavailable to it.</para>
/// <para>Cost: O(N * (D^2 + w * D)); memory O(N * D): nothing of size N x N exists at any scale.</para>
/// </remarks>
internal sealed partial class MahaMixer : TokenMixer
{
    [ComponentName(Name = "local_conv")] private readonly DepthwiseConvolution _localConvolution;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    [ComponentName(Name = "decomposition")] private readonly ScaleReduction _decomposition;
    [ComponentName(Name = "v_proj")] private readonly Linear _valueProjection;
    [ComponentName(Name = "qk_projs")] private readonly ModuleList<Linear> _queryKeyProjections;
    [ComponentName(Name = "aggregation")] private readonly ScaleAggregation _aggregation;
    private readonly MahaBlockOptions _options;
    private readonly MahaOptions _maha;
    private readonly int _numScales;

    /// <summary>Creates the layers.</summary>
    /// <param name="options">The shape of the block.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    public MahaMixer(MahaBlockOptions options)
        : base(nameof(MahaMixer))
    {
        ArgumentNullException.ThrowIfNull(options);
        _maha = options.Validated<MahaOptions>();
        _options = options;
        _numScales = _maha.CountScales(options.MaxSequenceLength);
        int width = options.DModel;
        _localConvolution = new DepthwiseConvolution(width, kernelSize: 3, stride: 1, dilation: 2, relu: true, options.IsCausal);
        _dropout = new ActivationDropout(options.Dropout);
        _decomposition = new ScaleReduction(width, _numScales, _maha.CompressionRatio, _maha.Decomposition, options.IsCausal);
        _valueProjection = Linear(width, width); // W_V, shared by the scales
        _queryKeyProjections = new ModuleList<Linear>( // W_Q^s over W_K^s
            [.. Enumerable.Range(0, _numScales).Select(_ => Linear(width, 2 * width, hasBias: false))]);
        _aggregation = ScaleAggregations.Create(width, _numScales, _maha.Aggregation);
        RegisterComponents();
    }

    /// <summary>No layer follows the values, which the reductions pass on but for their biases.</summary>
    internal override IEnumerable<Tensor> OutputFactors => [.. _valueProjection.parameters(), .. _decomposition.Biases];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or a token comes after padding.</exception>
    public override MixingResult forward(Tensor hidden, MixingContext context) => Mix(hidden, context, null);

    private MixingResult Mix(Tensor hidden, MixingContext context, List<Tensor>? maps)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _valueProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        int batch = (int)hidden.shape[0], length = (int)hidden.shape[1];
        int[] lengths = context.Lengths(batch, length);
        var hierarchy = _options.IsCausal
            ? ScaleHierarchy.Causal(lengths, length, _numScales, _maha.CompressionRatio)
            : new ScaleHierarchy(lengths, length, _numScales, _maha.CompressionRatio, _maha.Window);

        var local = _localConvolution.ForwardWithDropout(hidden, new ConvolutionLengths(lengths, lengths, length), _dropout); // [B, N, D]
        if (_maha.LocalResidual)
            local = local + TokenMasks.Clear(hidden, context.KeyPaddingMask);
        var finest = LinearFunction.ApplyAll(local, _queryKeyProjections[0], _valueProjection); // one pass over the tokens for both
        var (scales, values) = _decomposition.ForwardBoth(local, finest[1], hierarchy); // S x [B, N_s, D] each
        var (outputs, entropies) = AttendWithinScales(scales, finest[0], values, hierarchy, context.Inspect, maps);

        var aggregated = TryAggregate(outputs, hierarchy, lengths) ?? _aggregation.call(_options.IsCausal
            ? CausalScales.Upsample(outputs, hierarchy, _numScales, CausalCosts(batch, outputs[0]), context.KeyPaddingMask)
            : DocumentScales(outputs, hierarchy, lengths, context.KeyPaddingMask));
        return new MixingResult(aggregated.Output, aggregated.AuxiliaryLoss)
        {
            ScaleWeights = aggregated.ScaleWeights.detach(),
            Diagnostics = aggregated.Diagnostics,
            AttentionEntropy = entropies is null ? null : functional.pad(stack(entropies, 1), [0, _numScales - entropies.Count], value: double.NaN), // [B, S]
        }.MoveToOuterDisposeScope();
    }

    // The windowed attention of every scale, S' x [B, N_s, D], and for inspection its mean entropy per document, S' x [B]. X_s is S' x [B, N_s, D]; the packed
    // queries and keys of the finest scale are projected already.
    private (Tensor[] Outputs, List<Tensor>? Entropies) AttendWithinScales(
        IReadOnlyList<Tensor> scales, Tensor finest, IReadOnlyList<Tensor> values, ScaleHierarchy hierarchy, bool inspects, List<Tensor>? maps)
    {
        int heads = _options.NumHeads, width = _options.DModel;
        var coarse = Enumerable.Range(1, hierarchy.Count - 1).Select(scale => LinearFunction.Apply(_queryKeyProjections[scale], scales[scale]));
        Tensor[] packed = [finest, .. coarse]; // S' x [B, N_s, 2D]
        if (_options.Positions == PositionKind.Rotary)
            packed = RotaryPositions.RotateAll(packed, 2 * heads, hierarchy.Cells);
        WindowOperands[] operands =
        [
            .. packed.Select((queriesAndKeys, scale) => new WindowOperands(
                queriesAndKeys, values[scale],
                new WindowPlan((int)finest.shape[0], hierarchy.Lengths[scale], heads, width / heads, _maha.Window, _options.IsCausal),
                hierarchy.ValidLengths[scale])),
        ];
        var outputs = WindowAttention.ApplyAll(operands);
        if (!inspects && maps is null)
            return (outputs, null);
        var entropies = inspects ? new List<Tensor>() : null;
        foreach (var (queriesAndKeys, _, plan, lengths) in operands)
        {
            var (query, key) = (queriesAndKeys.narrow(2, 0, width), queriesAndKeys.narrow(2, width, width)); // [B, N_s, D]
            entropies?.Add(AttentionEntropy.Mean(query, key, plan, lengths));
            if (maps is not null)
            {
                var weights = AttentionEntropy.Weights(query, key, plan, lengths).mean([1]).squeeze(0); // [N_s, N_s]
                maps.Add(ToTokens(weights, hierarchy, maps.Count, hierarchy.ValidLengths[0][0]).MoveToOuterDisposeScope());
            }
        }
        return (outputs, entropies);
    }

    /// <summary>Computes the attention weights of one document at each scale between its own tokens, for inspection.</summary>
    /// <param name="hidden">[1, N, D].</param>
    /// <param name="context">The padding mask and other inputs that the layers share.</param>
    /// <returns>
    /// [S, N, N], without gradient: row i of scale s holds the weights of token i at that scale, as the mean over the heads. The weight of a coarse token is
    /// shared evenly by the tokens of its cell, so that the row of a token that has the scale has sum 1. 0 at padding, at scales that the document does not
    /// have, and in causal models before the first complete cell. <see cref="MixingResult.ScaleWeights"/> has the weights of the scales themselves. Memory O(S
    /// N^2).
    /// </returns>
    /// <exception cref="ArgumentException">As for <see cref="forward"/>, or there are several documents or more than 4,096 tokens.</exception>
    public override Tensor AttentionWeights(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _valueProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        if (hidden.shape[0] != 1 || hidden.shape[1] > HsaInspection.MaxTokens)
        {
            throw new ArgumentException(
                $"hidden must be one document of at most {HsaInspection.MaxTokens} tokens, whose weights are a number for every pair, "
                + $"but has the shape {TensorChecks.Show(hidden.shape)}.",
                nameof(hidden));
        }
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var maps = new List<Tensor>(); // S' x [N, N]
        Mix(hidden, context, maps);
        while (maps.Count < _numScales)
            maps.Add(zeros_like(maps[0]));
        return stack(maps, 0).MoveToOuterDisposeScope();
    }

    // The weights of a scale [N_s, N_s] as weights between tokens, [N, N]: a coarse row is repeated for its tokens, a coarse weight is shared by its tokens.
    private static Tensor ToTokens(Tensor weights, ScaleHierarchy hierarchy, int scale, int validTokens)
    {
        int length = hierarchy.Lengths[0], validCells = hierarchy.ValidLengths[scale][0];
        long cell = hierarchy.Cells[scale], last = weights.shape[0] - 1;
        var device = weights.device;
        var column = Numbers(i => i / cell); // [N]
        var row = hierarchy.IsCausal ? Numbers(i => ((i + 1) / cell) - 1) : column; // a causal token sees complete cells only
        var shares = Numbers(i => Math.Max(1, Math.Min(cell, validTokens - (i / cell * cell)))).to(weights.dtype);
        var missing = Numbers(i => i).ge(validTokens);
        var noRow = missing.logical_or(row.lt(0)).logical_or(row.ge(validCells)).unsqueeze(1);
        var noColumn = missing.logical_or(column.ge(validCells)).unsqueeze(0);
        var spread = weights.index_select(0, row.clamp(0, last)).index_select(1, column.clamp(0, last)) / shares; // [N, N]
        return spread.masked_fill(noRow.logical_or(noColumn), 0);

        Tensor Numbers(Func<long, long> function) => tensor([.. Enumerable.Range(0, length).Select(i => function(i))], device: device);
    }

    // The aggregation by kernels on a CUDA device; null where they can't be used.
    private AggregationResult? TryAggregate(Tensor[] outputs, ScaleHierarchy hierarchy, int[] lengths)
    {
        if (!CudaKernels.CanUse(outputs[0]))
            return null;
        double[]? costs = null;
        if (_maha.Aggregation.ScaleCostPrice > 0)
        {
            var (priced, pricedHierarchy) = _options.IsCausal ? Longest(lengths.Length) : (lengths, hierarchy);
            costs = ScaleCosts.Compute(priced, pricedHierarchy, _numScales, _options.DModel, _maha.Window);
        }
        return CudaScales.TryCreate(outputs, hierarchy, _numScales, costs) is { } scales ? _aggregation.TryAggregate(scales) : null;
    }

    // kappa [B, S]; null where the aggregation has no price for it.
    private Tensor? RelativeCosts(int[] lengths, ScaleHierarchy hierarchy, Tensor like) =>
        _maha.Aggregation.ScaleCostPrice > 0 ? ScaleCosts.Relative(lengths, hierarchy, _numScales, _options.DModel, _maha.Window, like) : null;

    private Tensor? CausalCosts(int batch, Tensor like)
    {
        var (lengths, hierarchy) = Longest(batch);
        return RelativeCosts(lengths, hierarchy, like);
    }

    // In a causal model the length of a document depends on later tokens, so the costs are those of the longest document of the model.
    private (int[] Lengths, ScaleHierarchy Hierarchy) Longest(int batch)
    {
        int[] longest = [.. Enumerable.Repeat(_options.MaxSequenceLength, batch)];
        return (longest, new ScaleHierarchy(longest, _options.MaxSequenceLength, _numScales, _maha.CompressionRatio, _maha.Window));
    }

    private ScaleOutputs DocumentScales(Tensor[] outputs, ScaleHierarchy hierarchy, int[] lengths, Tensor? keyPaddingMask)
    {
        var compact = new CompactScales(outputs, hierarchy, _numScales);
        return new ScaleOutputs(compact.Upsampled())
        {
            Compact = compact,
            KeyPaddingMask = keyPaddingMask,
            UnavailableScales = hierarchy.Available.Min() < _numScales ? compact.Unavailable(outputs[0].device) : null,
            RelativeCosts = RelativeCosts(lengths, hierarchy, outputs[0]),
        };
    }
}
