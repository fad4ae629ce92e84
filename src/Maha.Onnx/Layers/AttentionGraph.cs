using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;
using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B batch, N length, D width, H heads, K head dim

/// <summary>The attention of a block as a graph.</summary>
internal static class AttentionGraph
{
    // As in RotaryPositions.
    private const double RotaryBase = 10000;

    /// <summary>Refuses a kind of attention that can't be exported.</summary>
    /// <param name="block">The block.</param>
    /// <exception cref="NotSupportedException">The message names the kinds that can be exported.</exception>
    public static void Check(MahaBlockOptions block)
    {
        string? refused = block.Attention switch
        {
            HsaOptions { Hierarchy: HierarchyKind.Document } => "Hierarchy.Document, whose trees are built from the sentences of each text",
            HsaOptions { Overlap: true } => "HSA with Overlap",
            HsaCausalOptions => null,
            MahaReferenceOptions => "Attention.MahaReference",
            MultiscaleOptions { Aggregation.Kind: AggregationKind.ReferenceNash } => "Aggregation.ReferenceNash",
            MultiscaleOptions { Aggregation.Kind: AggregationKind.Convex } scales when scales.CountScales(block.MaxSequenceLength) > SimplexGraph.MaxScales =>
                $"Aggregation.Convex with {scales.CountScales(block.MaxSequenceLength)} scales (at most {SimplexGraph.MaxScales})",
            _ when block.IsCausal => "a causal block",
            HsaOptions or FullOptions or WindowOptions or MahaOptions => null,
            _ => block.Attention.Kind.ToString(),
        };
        if (refused is not null)
        {
            throw new NotSupportedException(
                $"A model that is exported to ONNX must have the attention Hsa or HsaCausal over blocks, Full, Window, or Maha with the aggregation " +
                $"Convex (at most {SimplexGraph.MaxScales} scales), Nash, Softmax, Mean or Gated, but this one has {refused}. Train a model with one " +
                "of these.");
        }
    }

    /// <summary>Computes the mixer of a block.</summary>
    /// <param name="weights">The weights of the mixer.</param>
    /// <param name="block">The shape of the block.</param>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="rows">The lengths.</param>
    /// <returns>[B, N, D], 0 at padding.</returns>
    public static OnnxValue Apply(GraphWeights weights, MahaBlockOptions block, OnnxValue hidden, TokenRows rows)
    {
        Check(block);
        return block.Attention switch
        {
            MahaOptions scales => new MultiscaleGraph(weights, block, scales).Apply(hidden, rows),
            WindowOptions window => rows.Clear(weights.Linear("out_proj", Window(weights, block, window, hidden, rows))),
            _ => rows.Clear(weights.Linear("out_proj", FullOrHierarchical(weights, block, hidden, rows))),
        };
    }

    private static OnnxValue FullOrHierarchical(GraphWeights weights, MahaBlockOptions block, OnnxValue hidden, TokenRows rows)
    {
        int numHeads = block.NumHeads;
        var (query, key, value) = (weights.Linear("q_proj", hidden), weights.Linear("k_proj", hidden), weights.Linear("v_proj", hidden)); // [B, N, D]
        if (block.Positions == PositionKind.Rotary)
            (query, key) = (Rotate(query, numHeads, block.DModel, 1), Rotate(key, numHeads, block.DModel, 1));
        double scale = 1 / Math.Sqrt(block.DModel / numHeads);
        if (block.Attention is not HsaOptions hsa)
        {
            var bias = rows.Valid.Unsqueeze(1, 2).Where(query.Number(0), OnnxValue.Floor); // [B, 1, 1, N]
            var scores = (Heads(query, block) * scale).MatMul(Heads(key, block).Transpose(0, 1, 3, 2)) + bias;
            return Merge(scores.Softmax().MatMul(Heads(rows.Clear(value), block)), block);
        }
        var tree = new HierarchyGraph(hsa.Branching, rows);
        var (queries, keys, values) = (Heads(rows.Clear(query), block), Heads(rows.Clear(key), block), Heads(rows.Clear(value), block)); // [B, H, N, K]
        return Merge(hsa.IsCausalIn(block) ? tree.Causal(queries * scale, keys, values) : tree.Optimal(queries * scale, keys, values), block);
    }

    private static OnnxValue Window(GraphWeights weights, MahaBlockOptions block, WindowOptions window, OnnxValue hidden, TokenRows rows)
    {
        int width = block.DModel;
        var both = weights.Linear("qk_proj", hidden); // [B, N, 2D]
        if (block.Positions == PositionKind.Rotary)
            both = Rotate(both, 2 * block.NumHeads, 2 * width, 1);
        var values = weights.Linear("v_proj", hidden);
        var geometry = new WindowGraph(block, window.Window) { NumGlobal = window.GlobalTokens, IsBand = true };
        var attended = geometry.Apply(both, values, rows);
        if (window.GlobalTokens == 0)
            return attended;

        // The first tokens attend to all.
        var global = rows.Length.Min(window.GlobalTokens);
        var keys = Heads(rows.Clear(both.Slice(2, width, 2L * width)), block); // [B, H, N, K]
        var scores = (Heads(both.Slice(1, 0, global).Slice(2, 0, width), block) / Math.Sqrt(width / block.NumHeads)).MatMul(keys.Transpose(0, 1, 3, 2));
        var weight = rows.Valid.Unsqueeze(1, 2).Where(scores, OnnxValue.Floor).Softmax(); // [B, H, g, N]
        var first = Merge(weight.MatMul(Heads(rows.Clear(values), block)), block);
        return OnnxValue.Concat(1, first, attended.Slice(1, global, rows.Length));
    }

    /// <summary>Returns [B, N, D] as [B, H, N, K].</summary>
    public static OnnxValue Heads(OnnxValue rows, MahaBlockOptions block) =>
        rows.Reshape(rows.Dim(0), rows.Dim(1), block.NumHeads, block.DModel / block.NumHeads).Transpose(0, 2, 1, 3);

    /// <summary>Returns [B, H, N, K] as [B, N, D].</summary>
    public static OnnxValue Merge(OnnxValue heads, MahaBlockOptions block) =>
        heads.Transpose(0, 2, 1, 3).Reshape(heads.Dim(0), heads.Dim(2), block.DModel);

    /// <summary>Rotates the heads of rows by their positions, in the middle of the cells of a scale.</summary>
    /// <param name="rows">[B, N, width].</param>
    /// <param name="numHeads">The number of heads in a row.</param>
    /// <param name="width">The width of a row.</param>
    /// <param name="cell">The number of tokens of a row's cell.</param>
    public static OnnxValue Rotate(OnnxValue rows, int numHeads, int width, long cell)
    {
        int headDim = width / numHeads, half = headDim / 2;
        if (half == 0)
            return rows;
        var builder = rows.Builder;

        // Angles in float64, as in the layer.
        double[] frequencies = [.. Enumerable.Range(0, half).Select(k => Math.Exp(k * (-2 * Math.Log(RotaryBase) / headDim)))];
        var positions = (rows.Dim(1).Range().Cast(DataType.Double) * cell) + ((cell - 1) / 2.0); // [N]
        var angles = positions.Unsqueeze(1) * builder.Constant(DataType.Double, frequencies, half); // [N, K/2]
        var cosine = (angles + (Math.PI / 2)).Sin().Cast(rows.Type).Unsqueeze(1); // [N, 1, K/2]
        var sine = angles.Sin().Cast(rows.Type).Unsqueeze(1);
        var heads = rows.Reshape(rows.Dim(0), rows.Dim(1), numHeads, headDim);
        var (first, second) = (heads.Slice(3, 0, half), heads.Slice(3, half, 2L * half));
        OnnxValue[] turned = [(first * cosine) - (second * sine), (first * sine) + (second * cosine)];
        if (2 * half < headDim)
            turned = [.. turned, heads.Slice(3, 2L * half, headDim)];
        return OnnxValue.Concat(3, turned).Reshape(rows.Dim(0), rows.Dim(1), width);
    }
}
