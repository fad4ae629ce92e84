using Maha.Layers.Attention;
using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B batch, N length, N_s length at scale s, S scales, D width

/// <summary>The aggregation of the scales of multiscale attention as a graph. The weights of the scales are computed in float64, as in the layers.</summary>
internal sealed class AggregationGraph(GraphWeights weights, MahaBlockOptions block, MahaOptions options, TokenRows rows, ScaleRows[] scales)
{
    private OnnxBuilder Builder => weights.Builder;

    // [B, S] of Bool.
    private OnnxValue Available => OnnxValue.Concat(1, [.. scales.Select(scale => scale.Available)]);

    /// <summary>Combines the scales.</summary>
    /// <param name="outputs">S tensors [B, N_s, D], 0 at padding and where a document does not use the scale.</param>
    /// <returns>[B, N, D].</returns>
    public OnnxValue Apply(OnnxValue[] outputs)
    {
        OnnxValue[] upsampled = [.. outputs.Select(Upsample)]; // [B, N, D]
        return options.Aggregation switch
        {
            ConvexOptions convex => Sum(upsampled, Convex(convex, outputs, upsampled)),
            NashOptions nash => Sum(upsampled, Nash(nash, Gram(upsampled)).Unsqueeze(1)),
            { Kind: AggregationKind.Softmax } => Sum(upsampled, Available.Where(weights.Get("logits"), OnnxValue.Floor).Softmax().Unsqueeze(1)),
            { Kind: AggregationKind.Gated } => Gated(upsampled),
            _ => Sum(upsampled, Shares().Unsqueeze(1)),
        };
    }

    // Row i of the result is row floor(i / cell).
    private OnnxValue Upsample(OnnxValue output, int scale)
    {
        long cell = scales[scale].Cell;
        if (cell == 1)
            return output;
        var count = scales[scale].Rows.Length;
        return output.Unsqueeze(2).Expand(rows.Batch, count, cell, block.DModel).Reshape(rows.Batch, count * cell, block.DModel).Slice(1, 0, rows.Length);
    }

    // The sum of the scales by weights [B, N or 1, S].
    private static OnnxValue Sum(OnnxValue[] upsampled, OnnxValue shares)
    {
        var single = shares.Cast(DataType.Float);
        OnnxValue? sum = null;
        for (int scale = 0; scale < upsampled.Length; scale++)
        {
            var term = upsampled[scale] * single.Slice(2, scale, scale + 1);
            sum = sum is { } before ? before + term : term;
        }
        return sum!.Value;
    }

    // Equal shares of the available scales, [B, S].
    private OnnxValue Shares()
    {
        var available = Available.Cast(DataType.Double);
        return available / available.Sum(1, keepDim: true);
    }

    private OnnxValue Gated(OnnxValue[] upsampled)
    {
        int coarsest = upsampled.Length - 1;
        var blended = upsampled[coarsest];
        var noneCoarser = !scales[coarsest].Available.Unsqueeze(2); // [B, 1, 1]
        for (int scale = coarsest - 1; scale >= 0; scale--)
        {
            var missing = !scales[scale].Available.Unsqueeze(2);
            var gate = weights.Linear($"gates.{scale}.gate_proj", OnnxValue.Concat(2, upsampled[scale], blended)).Sigmoid();
            gate = missing.Where(0, noneCoarser.Where(1, gate));
            noneCoarser &= missing;
            blended = (gate * upsampled[scale]) + ((1 - gate) * blended);
        }
        return blended;
    }

    // G [B, S, S] of Double: the mean over valid tokens of the products of the RMS-normalized outputs, divided by D.
    private OnnxValue Gram(OnnxValue[] upsampled)
    {
        OnnxValue[] units = [.. upsampled.Select((output, scale) =>
            rows.Clear(output / ((output * output).Mean(2, keepDim: true) + RmsNormalization.Epsilon).Sqrt()).Unsqueeze(1))];
        var all = OnnxValue.Concat(1, units).Reshape(0, units.Length, -1); // [B, S, N * D]
        var counts = rows.Lengths.Max(1).Cast(DataType.Double).Unsqueeze(2) * block.DModel; // [B, 1, 1]
        return all.MatMul(all.Transpose(0, 2, 1)).Cast(DataType.Double) / counts;
    }

    // kappa [B, S] of Double: the cost of a scale relative to all scales of a document.
    private OnnxValue Costs()
    {
        var tokens = OnnxValue.Concat(1, [.. scales.Select(scale => scale.Rows.Lengths)]).Cast(DataType.Double); // [B, S]
        var costs = tokens * (tokens.Min(3.0 * options.Window) * 4 + 4.0 * block.DModel);
        return costs / costs.Sum(1, keepDim: true).Max(1);
    }

    private OnnxValue Convex(ConvexOptions convex, OnnxValue[] outputs, OnnxValue[] upsampled)
    {
        var gram = Gram(upsampled);
        var utilities = Utilities(convex, outputs).Cast(DataType.Double); // [B, N or 1, S]
        var available = Available.Unsqueeze(1); // [B, 1, S]
        OnnxValue? price = convex.CostPrice > 0 ? Costs().Unsqueeze(1) * convex.CostPrice : null;
        OnnxValue linear, preference;
        if (convex.UtilityForm == UtilityForm.Softmax)
        {
            preference = available.Where(utilities / convex.Temperature, OnnxValue.Floor).Softmax();
            linear = price is { } priced ? preference - priced : preference;
        }
        else
        {
            preference = Shares().Unsqueeze(1);
            linear = (price is { } priced ? utilities - priced : utilities) / convex.Temperature;
        }
        var program = new SimplexGraph(gram, available, scales.Length, convex.RedundancyPrice);
        double floor = convex.WeightFloor;
        if (floor == 0)
            return program.Solve(linear);
        var fixedPart = preference * floor;
        var moved = fixedPart + (fixedPart.MatMul(gram) * convex.RedundancyPrice);
        return fixedPart + (program.Solve((linear - moved) / (1 - floor)) * (1 - floor));
    }

    private OnnxValue Utilities(ConvexOptions convex, OnnxValue[] outputs)
    {
        var bias = weights.Get("utility_bias"); // [S]
        if (convex.Granularity == WeightGranularity.InputFree)
            return bias.Expand(rows.Batch, 1, outputs.Length);
        var direction = weights.Get("utility").Reshape(-1, 1); // [D, 1]
        var utilities = OnnxValue.Concat(2, [.. outputs.Select(Utility)]) + bias; // [B, N, S]
        return convex.Granularity == WeightGranularity.Token
            ? utilities
            : rows.Clear(utilities).Sum(1, keepDim: true) / rows.Lengths.Max(1).Cast(DataType.Float).Unsqueeze(2);

        OnnxValue Utility(OnnxValue output, int scale)
        {
            var products = output.MatMul(direction); // [B, N_s, 1]
            if (convex.UtilityForm == UtilityForm.Softmax)
                products /= ((output * output).Mean(2, keepDim: true) + RmsNormalization.Epsilon).Sqrt() * Math.Sqrt(block.DModel);
            long cell = scales[scale].Cell;
            return cell == 1
                ? products
                : products.Expand(rows.Batch, scales[scale].Rows.Length, cell).Reshape(rows.Batch, -1, 1).Slice(1, 0, rows.Length);
        }
    }

    // The equilibrium by damped best response from equal weights, as NashEquilibrium finds it; [B, S] of Double.
    private OnnxValue Nash(NashOptions nash, OnnxValue gram)
    {
        int count = scales.Length;
        var available = Available;
        var identity = Builder.Constant(DataType.Double, [.. Enumerable.Range(0, count * count).Select(i => i % (count + 1) == 0 ? 1.0 : 0)], count, count);
        var fixedPart = (gram * identity).Sum(2); // diag G [B, S]
        if (nash.CostPrice > 0)
            fixedPart += Costs() * nash.CostPrice;
        var start = Shares();
        var one = rows.Lengths.Cast(DataType.Double) * 0 + 1; // [B, 1]
        return Builder.Loop(nash.MaxIterations, [start, one, one * double.MaxValue], state =>
        {
            var (current, step, before) = (state[0], state[1], state[2]);
            var products = gram.MatMul(current.Unsqueeze(2)).Squeeze(2); // [B, S]
            var response = available.Where(((products * 2) - fixedPart) / nash.Temperature, OnnxValue.Floor).Softmax();
            var residual = (response - current).Abs().Largest(1, keepDim: true); // [B, 1]
            var open = residual > nash.Tolerance;
            var next = (residual > before).Where((step / 2).Max(1.0 / 64), step);
            var moved = open.Where(current + ((response - current) * next), current);
            var any = open.Cast(DataType.Int64).Largest(0).Squeeze(0) > 0;
            return (any, [moved, next, residual]);
        })[0];
    }
}
