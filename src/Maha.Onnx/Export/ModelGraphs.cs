using System.Globalization;
using global::Onnx;
using Maha.Layers.Models;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Maha.Onnx.Graph;
using Maha.Onnx.Layers;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Export;

// B documents, N length, C classes, E width of a vector

/// <summary>The graphs of whole models.</summary>
internal static class ModelGraphs
{
    private const string Batch = "batch";
    private const string Length = "tokens";
    private const string SpectralLength = "spectral_tokens";

    // The epsilon of the norm before the output layer, which is libtorch's default.
    private const double PooledNormEpsilon = 1e-5;

    // The smallest probability whose logarithm is computed.
    private const double SmallestProbability = 1e-300;

    /// <summary>Builds the graph of a classifier.</summary>
    /// <param name="classifier">The classifier.</param>
    /// <param name="withNGrams">Whether the logits of the n-grams are inputs.</param>
    /// <param name="metadata">What the file says about itself.</param>
    /// <exception cref="NotSupportedException">The attention of the model can't be exported.</exception>
    public static ModelProto Build(TextClassifier classifier, bool withNGrams, IEnumerable<KeyValuePair<string, string>> metadata)
        => classifier.UseNetwork(module =>
    {
        var manifest = classifier.Manifest;
        var builder = new OnnxBuilder();
        var (tokenIds, rows) = Tokens(builder, GraphNames.InputIds, GraphNames.AttentionMask, Length, manifest.MaxDocumentTokens);
        string classes = manifest.Labels.Count.ToString(CultureInfo.InvariantCulture);
        double weight = manifest.NGrams?.Deep ?? 1;
        // As in TextClassifier, a network without a weight need not compute.
        var weights = new GraphWeights(builder, module.state_dict());
        OnnxValue? network = weight == 0 ? null : Logits(weights, module is WindowedClassifier, manifest, tokenIds, rows) * weight;
        var logits = withNGrams ? CombineWithNGrams(builder, classifier, network, classes) : network!.Value; // [B, C]
        var probabilities = (logits.Cast(DataType.Double) / manifest.Temperature).Softmax();
        builder.Output(Predicted(probabilities, manifest), GraphNames.PredictedLabel, Batch);
        builder.Output(probabilities.Cast(DataType.Float), GraphNames.Probabilities, Batch, classes);
        return builder.Build(metadata);
    });

    /// <summary>Builds the graph of an encoder.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="metadata">What the file says about itself.</param>
    /// <exception cref="NotSupportedException">The attention of the model can't be exported.</exception>
    public static ModelProto Build(TextEncoder encoder, IEnumerable<KeyValuePair<string, string>> metadata) => encoder.UseNetwork(network =>
    {
        var manifest = encoder.Manifest;
        var builder = new OnnxBuilder();
        var (tokenIds, rows) = Tokens(builder, GraphNames.InputIds, GraphNames.AttentionMask, Length, manifest.MaxDocumentTokens);
        var weights = new GraphWeights(builder, network.state_dict());
        var parts = new List<OnnxValue>();
        var (spectralIds, spectralRows) = (tokenIds, rows);
        if (network.Reader is null)
        {
            var features = BlockGraph.Encode(weights.Part("encoder"), manifest.Model, tokenIds, rows);
            parts.Add(BlockGraph.Pool(weights.Part("pooling"), manifest.Model.Pooling, features, rows));
        }
        else
        {
            // The mean of a document's windows, weighted by their tokens.
            var read = WindowedGraph.Read(weights.Part("reader"), manifest.Model, manifest.Windows!, tokenIds, rows);
            parts.Add((read.States * read.Sizes.Unsqueeze(2)).Sum(1) / read.Sizes.Sum(1, keepDim: true).Max(1));
            if (encoder.SpectralTokenizer is not null)
                (spectralIds, spectralRows) = Tokens(builder, GraphNames.SpectralIds, GraphNames.SpectralMask, SpectralLength, long.MaxValue);
        }
        int vocabSize = manifest.SpectralVocabSize ?? manifest.Model.VocabSize;
        foreach (var (part, maxTokens) in new[] { ("spectral", (int?)null), ("beginning", manifest.Parts.BeginningTokens) })
        {
            if (weights.Has($"{part}.table"))
                parts.Add(SpectralGraph.Apply(weights.Part(part), vocabSize, manifest.Parts.NumPairBuckets, maxTokens, spectralIds, spectralRows));
        }
        var vector = (OnnxValue.Concat(1, [.. parts]) - weights.Get("center")) * weights.Get("scale"); // [B, E]
        if (manifest.NormalizeLength)
        {
            var norm = (vector * vector).Sum(1, keepDim: true).Sqrt();
            vector /= (norm > 0).Where(norm, 1);
        }
        builder.Output(vector, GraphNames.Embedding, Batch, encoder.OutputDim.ToString(CultureInfo.InvariantCulture));
        return builder.Build(metadata);
    });

    // The logits of the network, [B, C].
    private static OnnxValue Logits(GraphWeights weights, bool readsWindows, ClassifierManifest manifest, OnnxValue tokenIds, TokenRows rows)
    {
        var pooling = weights.Part("pooling");
        if (readsWindows)
        {
            var states = WindowedGraph.Read(weights.Part("reader"), manifest.Model, manifest.Windows!, tokenIds, rows);
            var pooled = BlockGraph.Pool(pooling, manifest.Model.Pooling, states.States, states.Rows);
            var logits = weights.Linear("head", weights.LayerNorm("pooled_norm", pooled, PooledNormEpsilon));
            return manifest.Windows!.NumVotes == 0 ? logits : logits + weights.Linear("votes_head", Votes(weights.Part("votes"), states.States, states.Rows));
        }
        var features = BlockGraph.Encode(weights.Part("encoder"), manifest.Model, tokenIds, rows);
        return weights.Linear("head", BlockGraph.Pool(pooling, manifest.Model.Pooling, features, rows));
    }

    // The mean votes of the states, [B, K].
    private static OnnxValue Votes(GraphWeights weights, OnnxValue states, TokenRows rows)
    {
        var projected = weights.Linear("projection", weights.LayerNorm("norm", states, PooledNormEpsilon));
        var votes = states.Builder.Node("Tanh", DataType.Float, [projected]);
        return rows.Clear(votes).Sum(1) / rows.Lengths.Max(1).Cast(DataType.Float);
    }

    private static (OnnxValue Ids, TokenRows Rows) Tokens(OnnxBuilder builder, string ids, string mask, string length, long maxLength) =>
        (builder.Input(ids, DataType.Int64, Batch, length), TokenRows.FromMask(builder.Input(mask, DataType.Int64, Batch, length), maxLength));

    // As TextClassifier combines network, n-grams and the labels of copies of the text.
    private static OnnxValue CombineWithNGrams(OnnxBuilder builder, TextClassifier classifier, OnnxValue? network, string classes)
    {
        var fusion = classifier.Manifest.NGrams!.Value;
        var ngrams = builder.Input(GraphNames.NGramLogits, DataType.Float, Batch, classes);
        var copies = builder.Input(GraphNames.CopyCounts, DataType.Float, Batch, classes).Cast(DataType.Double);
        var combined = ngrams.Cast(DataType.Double) * fusion.Wide;
        if (network is { } logits)
            combined += logits.Cast(DataType.Double);
        double smoothing = classifier.NGrams!.RepeatedTexts.Smoothing;
        var shares = (copies + (combined.Softmax() * smoothing)) / (copies.Sum(1, keepDim: true) + smoothing);
        return shares.Max(SmallestProbability).Log();
    }

    private static OnnxValue Predicted(OnnxValue probabilities, ClassifierManifest manifest) => manifest.Columns.Probability is null
        ? probabilities.Builder.Node("ArgMax", DataType.Int64, [probabilities], ("axis", 1L), ("keepdims", 0L))
        : (probabilities.Slice(1, 1, 2).Squeeze(1) > manifest.Threshold).Cast(DataType.Int64);
}

/// <summary>The names of the inputs and outputs of exported graphs.</summary>
internal static class GraphNames
{
    public const string InputIds = "input_ids";
    public const string AttentionMask = "attention_mask";
    public const string SpectralIds = "spectral_ids";
    public const string SpectralMask = "spectral_mask";
    public const string NGramLogits = "ngram_logits";
    public const string CopyCounts = "copy_counts";
    public const string Probabilities = "probabilities";
    public const string PredictedLabel = "predicted_label";
    public const string Embedding = "embedding";
}
