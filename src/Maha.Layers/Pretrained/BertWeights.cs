using System.Globalization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Pretrained;

// V vocabulary, D width, F feed-forward width, L layers, P positions

/// <summary>Encoders of the BERT and RoBERTa layout: their tensors, by the names that safetensors files of these models use, as a standard <see cref="MahaEncoder"/>.</summary>
/// <remarks>
/// <para>Both are post-norm encoders as ours, with a norm behind the embeddings instead of one behind the last block. The one token type that is used, 0, is added to the positions.
/// RoBERTa counts positions from 2. Weights of poolers and of language model heads are not taken.</para>
/// <para>No trained file comes with this library; the layout is tested with random weights.</para>
/// </remarks>
public static class BertWeights
{
    private static readonly string[] s_prefixes = ["", "bert.", "roberta.", "model."];

    private static readonly (string Theirs, string Ours)[] s_blockNames =
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

    /// <summary>Reads an encoder from a safetensors file.</summary>
    /// <param name="path">The file's path.</param>
    /// <param name="numHeads">H, which the file does not tell.</param>
    /// <param name="firstPosition">The row of the first token's position: 0 for BERT, 2 for RoBERTa.</param>
    /// <param name="normEpsilon">What is added to the variance in norms: 1e-12 for BERT, 1e-5 for RoBERTa.</param>
    /// <returns>An encoder with standard attention, in evaluation mode.</returns>
    /// <exception cref="WeightFileException">The file is broken, or has not the layout's names and shapes.</exception>
    /// <exception cref="ArgumentException">The number of heads does not divide the width, or the first position is outside the file's.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static MahaEncoder LoadEncoder(string path, int numHeads, int firstPosition, double normEpsilon)
    {
        TorchLibrary.EnsureLoaded();
        using var reader = SafetensorsReader.Open(path);
        using var scope = NewDisposeScope();
        return CreateEncoder(reader.ReadAll(), numHeads, firstPosition, normEpsilon);
    }

    /// <summary>Makes an encoder from tensors of the layout's names.</summary>
    /// <param name="tensors">The tensors, with or without the prefix "bert." or "roberta."; old names of norms, gamma and beta, are known.</param>
    /// <param name="numHeads">H.</param>
    /// <param name="firstPosition">The row of the first token's position: 0 for BERT, 2 for RoBERTa.</param>
    /// <param name="normEpsilon">What is added to the variance in norms: 1e-12 for BERT, 1e-5 for RoBERTa.</param>
    /// <returns>An encoder with standard attention, in evaluation mode. It owns copies of the weights.</returns>
    /// <exception cref="WeightFileException">Names or shapes are not the layout's.</exception>
    /// <exception cref="ArgumentException">The number of heads does not divide the width, or the first position is outside the file's.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static MahaEncoder CreateEncoder(IReadOnlyDictionary<string, Tensor> tensors, int numHeads, int firstPosition, double normEpsilon)
    {
        TorchLibrary.EnsureLoaded();
        ArgumentNullException.ThrowIfNull(tensors);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        string prefix = s_prefixes.FirstOrDefault(prefix => tensors.ContainsKey($"{prefix}embeddings.word_embeddings.weight"))
            ?? throw new WeightFileException("The weights must have the names of a BERT or RoBERTa encoder, but there is no 'embeddings.word_embeddings.weight', with or without 'bert.' or 'roberta.' before it.");
        var words = Get("embeddings.word_embeddings.weight", 2); // [V, D]
        var positions = Get("embeddings.position_embeddings.weight", 2); // [P, D]
        var types = Get("embeddings.token_type_embeddings.weight", 2); // [types, D]
        TensorChecks.InRange(firstPosition, 0, positions.shape[0] - 1, nameof(firstPosition), $"The file has {positions.shape[0]} positions.");
        long width = words.shape[1];
        if (positions.shape[1] != width || types.shape[1] != width)
            throw new WeightFileException($"The embeddings must be of one width, but those of words, positions and types have {width}, {positions.shape[1]} and {types.shape[1]}.");
        int layers = 0;
        while (tensors.ContainsKey($"{prefix}encoder.layer.{layers}.attention.self.query.weight"))
            layers++;
        if (layers == 0)
            throw new WeightFileException($"The weights must have at least one layer, but there is no '{prefix}encoder.layer.0.attention.self.query.weight'.");
        if (tensors.Keys.FirstOrDefault(name => name.StartsWith($"{prefix}encoder.layer.", StringComparison.Ordinal)
            && !Enumerable.Range(0, layers).Any(layer => name.StartsWith($"{prefix}encoder.layer.{layer}.", StringComparison.Ordinal))) is { } further)
        {
            throw new WeightFileException($"Layers must be numbered without gaps, but there is '{further}' and no '{prefix}encoder.layer.{layers}.attention.self.query.weight'. The file is incomplete: copy it again.");
        }

        var state = new Dictionary<string, Tensor>
        {
            ["token_embedding.weight"] = words,
            ["position_embedding.weight"] = positions.narrow(0, firstPosition, positions.shape[0] - firstPosition) + types.narrow(0, 0, 1),
        };
        Take("embeddings.LayerNorm", "embedding_norm");
        for (int layer = 0; layer < layers; layer++)
        {
            foreach (var (theirs, ours) in s_blockNames)
                Take(string.Create(CultureInfo.InvariantCulture, $"encoder.layer.{layer}.{theirs}"), string.Create(CultureInfo.InvariantCulture, $"blocks.{layer}.{ours}"));
        }
        var encoder = new MahaEncoder(new MahaTransformerOptions
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
        });
        encoder.to(words.dtype);
        ModuleWeights.Load(encoder, state);
        encoder.eval();
        return encoder;

        Tensor Get(string name, int rank)
        {
            if (!tensors.TryGetValue(prefix + name, out var tensor))
                throw new WeightFileException($"The weights must have the names of a BERT or RoBERTa encoder, but '{prefix}{name}' is missing.");
            return tensor.dim() == rank ? tensor : throw new WeightFileException($"'{prefix}{name}' must have {rank} dimensions, but has the shape {TensorChecks.Show(tensor.shape)}.");
        }

        void Take(string theirs, string ours)
        {
            bool old = theirs.EndsWith("LayerNorm", StringComparison.Ordinal) && tensors.ContainsKey($"{prefix}{theirs}.gamma");
            state[$"{ours}.weight"] = Get($"{theirs}.{(old ? "gamma" : "weight")}", theirs.EndsWith("LayerNorm", StringComparison.Ordinal) ? 1 : 2);
            state[$"{ours}.bias"] = Get($"{theirs}.{(old ? "beta" : "bias")}", 1);
        }
    }
}
