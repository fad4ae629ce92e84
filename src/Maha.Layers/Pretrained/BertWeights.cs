using System.Globalization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Pretrained;

// V vocabulary, D width, F feed-forward width, L layers, P positions

/// <summary>
/// Loads the weights of BERT and RoBERTa encoders, by the tensor names of their safetensors files, into a <see cref="MahaEncoder"/> with standard attention.
/// </summary>
/// <remarks>
/// <para>Both are post-norm encoders with a norm after the embeddings and none after the last block. Only token type 0 is used: its embedding is added to the
/// positions. RoBERTa counts positions from 2. The weights of poolers and of language model heads are ignored.</para>
/// <para>The library contains no pretrained weights; the layout is tested with random ones.</para>
/// </remarks>
public static class BertWeights
{
    private static readonly string[] s_prefixes = ["", "bert.", "roberta.", "model."];

    private static readonly (string Source, string Target)[] s_blockNames =
    [
        ("attention.self.query", "mixer.q_proj"),
        ("attention.self.key", "mixer.k_proj"),
        ("attention.self.value", "mixer.v_proj"),
        ("attention.output.dense", "mixer.out_proj"),
        ("attention.output.LayerNorm", "mixer_norm"),
        ("intermediate.dense", "feed_forward.expand"),
        ("output.dense", "feed_forward.contract"),
        ("output.LayerNorm", "feed_forward_norm"),
    ];

    /// <summary>Loads an encoder from a safetensors file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="numHeads">H, the number of heads, which the file does not contain.</param>
    /// <param name="firstPosition">The row of the position embeddings that the first token uses: 0 for BERT, 2 for RoBERTa.</param>
    /// <param name="normEpsilon">The number added to the variance in norms: 1e-12 for BERT, 1e-5 for RoBERTa.</param>
    /// <returns>An encoder with standard attention, in evaluation mode.</returns>
    /// <exception cref="WeightFileException">The file is damaged, or its names or shapes are not those of the layout.</exception>
    /// <exception cref="ArgumentException">The number of heads does not divide the width, or the first position is not in the position embeddings.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static MahaEncoder LoadEncoder(string path, int numHeads, int firstPosition, double normEpsilon)
    {
        TorchLibrary.EnsureLoaded();
        using var reader = SafetensorsReader.Open(path);
        using var scope = NewDisposeScope();
        return CreateEncoder(reader.ReadAll(), numHeads, firstPosition, normEpsilon);
    }

    /// <summary>Creates an encoder from tensors that have the names of the layout.</summary>
    /// <param name="tensors">The tensors, with or without the prefix "bert." or "roberta.". The old names of norms, gamma and beta, are accepted.</param>
    /// <param name="numHeads">H, the number of heads.</param>
    /// <param name="firstPosition">The row of the position embeddings that the first token uses: 0 for BERT, 2 for RoBERTa.</param>
    /// <param name="normEpsilon">The number added to the variance in norms: 1e-12 for BERT, 1e-5 for RoBERTa.</param>
    /// <returns>An encoder with standard attention, in evaluation mode. It owns copies of the weights.</returns>
    /// <exception cref="WeightFileException">Names or shapes are not those of the layout.</exception>
    /// <exception cref="ArgumentException">The number of heads does not divide the width, or the first position is not in the position embeddings.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static MahaEncoder CreateEncoder(IReadOnlyDictionary<string, Tensor> tensors, int numHeads, int firstPosition, double normEpsilon)
    {
        TorchLibrary.EnsureLoaded();
        ArgumentNullException.ThrowIfNull(tensors);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        string prefix = s_prefixes.FirstOrDefault(prefix => tensors.ContainsKey($"{prefix}embeddings.word_embeddings.weight"))
            ?? throw new WeightFileException(
                "The weights must have the names of a BERT or RoBERTa encoder, but there is no 'embeddings.word_embeddings.weight', " +
                "with or without the prefix 'bert.' or 'roberta.'.");
        var words = Get("embeddings.word_embeddings.weight", 2); // [V, D]
        var positions = Get("embeddings.position_embeddings.weight", 2); // [P, D]
        var types = Get("embeddings.token_type_embeddings.weight", 2); // [types, D]
        if (words.shape[0] == 0 || positions.shape[0] == 0 || types.shape[0] == 0)
        {
            throw new WeightFileException(
                "The embeddings of words, positions and types must have at least one row, but have " +
                $"{words.shape[0]}, {positions.shape[0]} and {types.shape[0]}. The file is damaged: copy it again.");
        }
        TensorChecks.InRange(firstPosition, 0, positions.shape[0] - 1, nameof(firstPosition), $"The file has {positions.shape[0]} positions.");
        long width = words.shape[1];
        if (positions.shape[1] != width || types.shape[1] != width)
        {
            throw new WeightFileException(
                $"The embeddings must be of one width, but those of words, positions and types have {width}, {positions.shape[1]} and {types.shape[1]}.");
        }
        int layers = 0;
        while (tensors.ContainsKey($"{prefix}encoder.layer.{layers}.attention.self.query.weight"))
            layers++;
        if (layers == 0)
        {
            throw new WeightFileException(
                $"The weights must have at least one layer, but there is no '{prefix}encoder.layer.0.attention.self.query.weight'.");
        }
        string? further = tensors.Keys.FirstOrDefault(name => name.StartsWith($"{prefix}encoder.layer.", StringComparison.Ordinal)
            && !Enumerable.Range(0, layers).Any(layer => name.StartsWith($"{prefix}encoder.layer.{layer}.", StringComparison.Ordinal)));
        if (further is not null)
        {
            throw new WeightFileException(
                $"Layers must be numbered without gaps, but there is '{further}' and no " +
                $"'{prefix}encoder.layer.{layers}.attention.self.query.weight'. The file is incomplete: copy it again.");
        }

        var state = new Dictionary<string, Tensor>
        {
            ["token_embedding.weight"] = words,
            ["position_embedding.weight"] = positions.narrow(0, firstPosition, positions.shape[0] - firstPosition) + types.narrow(0, 0, 1),
        };
        AddLayer("embeddings.LayerNorm", "embedding_norm");
        for (int layer = 0; layer < layers; layer++)
        {
            string number = layer.ToString(CultureInfo.InvariantCulture);
            foreach (var (source, target) in s_blockNames)
                AddLayer($"encoder.layer.{number}.{source}", $"blocks.{number}.{target}");
        }
        var options = new MahaTransformerOptions
        {
            VocabSize = (int)words.shape[0],
            DModel = (int)width,
            NumHeads = numHeads,
            NumLayers = layers,
            FeedForwardDim = (int)state["blocks.0.feed_forward.expand.weight"].shape[0],
            MaxSequenceLength = (int)state["position_embedding.weight"].shape[0],
            Attention = new FullOptions(),
            Positions = PositionKind.Learned,
            EmbeddingNorm = true,
            FinalNorm = false,
            NormEpsilon = normEpsilon,
        };
        var encoder = RandomStateScope.Build(() => new MahaEncoder(options));
        encoder.to(words.dtype);
        ModuleWeights.Load(encoder, state);
        encoder.eval();
        return encoder;

        Tensor Get(string name, int rank)
        {
            if (!tensors.TryGetValue(prefix + name, out var tensor))
                throw new WeightFileException($"The weights must have the names of a BERT or RoBERTa encoder, but '{prefix}{name}' is missing.");
            if (tensor.dim() != rank)
                throw new WeightFileException($"'{prefix}{name}' must have {rank} dimensions, but has the shape {TensorChecks.Show(tensor.shape)}.");
            return tensor;
        }

        // The weight and the bias of a linear layer or a norm.
        void AddLayer(string source, string target)
        {
            bool isNorm = source.EndsWith("LayerNorm", StringComparison.Ordinal);
            bool hasOldNames = isNorm && tensors.ContainsKey($"{prefix}{source}.gamma");
            state[$"{target}.weight"] = Get($"{source}.{(hasOldNames ? "gamma" : "weight")}", isNorm ? 1 : 2);
            state[$"{target}.bias"] = Get($"{source}.{(hasOldNames ? "beta" : "bias")}", 1);
        }
    }
}
