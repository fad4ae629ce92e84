using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Onnx.Graph;

namespace Maha.Onnx.Layers;

// B batch, N length, N_s length at scale s, S scales, D width, r compression ratio, w window

/// <summary>Multiscale attention at linear cost as a graph, as MahaMixer computes it.</summary>
internal sealed class MultiscaleGraph(GraphWeights weights, MahaBlockOptions block, MahaOptions options)
{
    private const int KernelSize = 3;

    private readonly int _numScales = options.CountScales(block.MaxSequenceLength);

    /// <summary>Computes the mixer.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="rows">The lengths.</param>
    /// <returns>[B, N, D], 0 at padding.</returns>
    public OnnxValue Apply(OnnxValue hidden, TokenRows rows)
    {
        var scales = Scales(rows);
        var tokens = rows.Clear(hidden);
        var local = rows.Clear(Convolve(weights.Part("local_conv.conv"), tokens, rows.Length, stride: 1, dilation: 2).Relu());
        var features = Decompose(options.LocalResidual ? local + tokens : local, scales); // S x [B, N_s, D]
        var values = Decompose(weights.Linear("v_proj", features[0]), scales);
        var outputs = new OnnxValue[_numScales]; // [B, N_s, D]
        long cell = 1;
        for (int scale = 0; scale < _numScales; scale++)
        {
            var both = weights.Linear($"qk_projs.{scale}", features[scale]); // [B, N_s, 2D]
            if (block.Positions == PositionKind.Rotary)
                both = AttentionGraph.Rotate(both, 2 * block.NumHeads, 2 * block.DModel, cell);
            outputs[scale] = new WindowGraph(block, options.Window).Apply(both, values[scale], scales[scale].Rows);
            cell = scale + 1 < _numScales ? checked(cell * options.CompressionRatio) : cell;
        }
        var aggregation = new AggregationGraph(weights.Part("aggregation"), block, options, rows, scales);
        return rows.Clear(aggregation.Apply(outputs));
    }

    // A document uses the scales that its own length needs, see ScaleHierarchy.
    private ScaleRows[] Scales(TokenRows rows)
    {
        var scales = new ScaleRows[_numScales];
        var (lengths, width, available) = (rows.Lengths, rows.Length, rows.Lengths >= 0);
        long cell = 1;
        for (int scale = 0; scale < _numScales; scale++)
        {
            if (scale > 0)
            {
                available &= lengths > (2.0 * options.Window);
                lengths = lengths.CeilDivide(options.CompressionRatio);
                width = width.CeilDivide(options.CompressionRatio);
                cell = checked(cell * options.CompressionRatio);
            }
            var valid = available.Where(lengths, 0);
            scales[scale] = new ScaleRows(TokenRows.FromLengths(valid, width, rows.MaxLength), available, cell);
        }
        return scales;
    }

    private OnnxValue[] Decompose(OnnxValue input, ScaleRows[] scales)
    {
        var results = new OnnxValue[_numScales];
        results[0] = input;
        for (int scale = 1; scale < _numScales; scale++)
        {
            var (finer, coarser) = (scales[scale - 1].Rows, scales[scale].Rows);
            var clean = finer.Clear(results[scale - 1]);
            var reduced = options.Decomposition == DecompositionKind.StridedConvolution
                ? Convolve(weights.Part($"decomposition.downsamplers.{scale - 1}.conv"), clean, coarser.Length, options.CompressionRatio, dilation: 1)
                : Maximum(finer.Valid.Unsqueeze(2).Where(results[scale - 1], float.MinValue), coarser.Length);
            results[scale] = coarser.Clear(reduced);
        }
        return results;
    }

    // A depthwise convolution: one shifted product per tap. Tokens outside the document count as 0.
    private static OnnxValue Convolve(GraphWeights convolution, OnnxValue clean, OnnxValue outputLength, int stride, int dilation)
    {
        int before = dilation * (KernelSize / 2);
        var padded = clean.Pad(1, before, (KernelSize * dilation) + stride);
        var taps = convolution.Get("weight"); // [D, 1, k]
        var sum = convolution.Get("bias");
        for (int tap = 0; tap < KernelSize; tap++)
        {
            long start = (long)tap * dilation;
            var shifted = padded.Slice(1, start, ((outputLength - 1) * stride) + (start + 1), stride); // [B, N', D]
            sum += shifted * taps.Slice(2, tap, tap + 1).Reshape(-1);
        }
        return sum;
    }

    // The maximum over cells of r tokens, the last one ragged. Invalid tokens are lower than any number.
    private OnnxValue Maximum(OnnxValue lowered, OnnxValue outputLength)
    {
        var missing = (outputLength * options.CompressionRatio) - lowered.Dim(1);
        var filler = lowered.Number(float.MinValue).Expand(lowered.Dim(0), missing, block.DModel);
        return OnnxValue.Concat(1, lowered, filler)
            .Reshape(lowered.Dim(0), outputLength, options.CompressionRatio, block.DModel)
            .Largest(2);
    }
}

/// <summary>One scale of a batch.</summary>
/// <param name="Rows">The lengths at the scale; 0 for a document that does not use it.</param>
/// <param name="Available">Whether a document uses the scale, [B, 1] of Bool.</param>
/// <param name="Cell">The number of tokens of a coarse token.</param>
internal sealed record ScaleRows(TokenRows Rows, OnnxValue Available, long Cell);
