using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B batch, N length, D width, E width of the pooled vector

/// <summary>Blocks, encoders and poolings as graphs.</summary>
internal static class BlockGraph
{
    /// <summary>Computes an encoder, as MahaEncoder does.</summary>
    /// <param name="weights">The weights of the encoder.</param>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="tokenIds">[B, N] of Int64, any number at padding.</param>
    /// <param name="rows">The lengths. N may be above the number of positions where it is padding.</param>
    /// <returns>[B, N, D], 0 at padding.</returns>
    public static OnnxValue Encode(GraphWeights weights, MahaTransformerOptions options, OnnxValue tokenIds, TokenRows rows)
    {
        var hidden = weights.Get("token_embedding.weight").Gather(rows.Valid.Where(tokenIds, 0)); // [B, N, D]
        if (weights.Has("position_embedding.weight"))
        {
            // Behind the longest document, any position; inside it, ONNX Runtime refuses one that the table lacks.
            var position = rows.Length.Range(); // [N]
            hidden += weights.Get("position_embedding.weight").Gather((position < rows.Lengths.Largest(0)).Where(position, 0));
        }
        if (options.EmbeddingNorm)
            hidden = weights.LayerNorm("embedding_norm", hidden, options.NormEpsilon);
        return rows.Clear(Apply(weights, options, hidden, rows));
    }

    /// <summary>Computes the blocks of a model and its final norm.</summary>
    /// <inheritdoc cref="Encode"/>
    public static OnnxValue Apply(GraphWeights weights, MahaTransformerOptions options, OnnxValue hidden, TokenRows rows)
    {
        for (int layer = 0; layer < options.NumLayers; layer++)
            hidden = Apply(weights.Part($"blocks.{layer}"), options.OfLayer(layer), hidden, rows);
        return options.FinalNorm ? weights.LayerNorm("final_norm", hidden, options.NormEpsilon) : hidden;
    }

    /// <summary>Pools the features of tokens, as DocumentPooling does.</summary>
    /// <param name="weights">The weights of the pooling.</param>
    /// <param name="kind">The kind of pooling.</param>
    /// <param name="features">[B, N, D].</param>
    /// <param name="rows">The lengths.</param>
    /// <returns>[B, E].</returns>
    public static OnnxValue Pool(GraphWeights weights, PoolingKind kind, OnnxValue features, TokenRows rows)
    {
        var clean = rows.Clear(features);
        return kind switch
        {
            PoolingKind.Mean => Mean(),
            PoolingKind.Max => Max(),
            PoolingKind.MeanMax => OnnxValue.Concat(1, Mean(), Max()),
            _ => Attend(),
        };

        OnnxValue Mean() => clean.Sum(1) / rows.Lengths.Max(1).Cast(DataType.Float);

        OnnxValue Max() =>
            (rows.Lengths > 0).Where(rows.Valid.Unsqueeze(2).Where(clean, OnnxValue.Floor).Largest(1), 0);

        OnnxValue Attend()
        {
            var scores = rows.Valid.Unsqueeze(2).Where(weights.Linear("scores", clean), OnnxValue.Floor); // [B, N, 1]
            return (scores.Softmax(1) * clean).Sum(1);
        }
    }

    private static OnnxValue Apply(GraphWeights weights, MahaBlockOptions block, OnnxValue hidden, TokenRows rows)
    {
        var attended = weights.LayerNorm("mixer_norm", hidden + AttentionGraph.Apply(weights.Part("mixer"), block, hidden, rows), block.NormEpsilon);
        var update = weights.Linear("feed_forward.contract", weights.Linear("feed_forward.expand", attended).Gelu());
        return weights.LayerNorm("feed_forward_norm", attended + update, block.NormEpsilon);
    }
}
