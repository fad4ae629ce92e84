using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests.TextEncoding;

/// <summary>A folder with a small encoder in BERT layout: random weights, and a vocabulary with the words of <see cref="Toys"/>.</summary>
internal static class SmallBert
{
    public const int D = 16;
    public const int H = 2;
    public const int WindowLength = 20;

    private const int F = 24;
    private const int L = 2;

    private static readonly string[] s_vocabulary =
    [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", "cat", "dog", "horse", "mouse", "otter", "hammer", "saw", "chisel", "wrench", "drill", "rain", "snow", "wind",
        "storm", "fog", "the", "of", "and", "near", "with", "some", "other", "thing", "a", "b", "c", "##a", "##b", "##c", "##s",
    ];

    /// <summary>Writes the folder. The caller deletes it.</summary>
    public static string WriteFolder()
    {
        string folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
        using (NewDisposeScope())
            SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Tensors());
        File.WriteAllLines(Path.Combine(folder, "vocab.txt"), s_vocabulary);
        File.WriteAllText(
            Path.Combine(folder, "config.json"),
            """{"model_type": "bert", "hidden_act": "gelu", "num_attention_heads": 2, "num_hidden_layers": 2, "layer_norm_eps": 1e-12}""");
        return folder;
    }

    private static Dictionary<string, Tensor> Tensors()
    {
        var generator = new Generator(5);
        var tensors = new Dictionary<string, Tensor>();
        void Add(string name, params long[] shape) => tensors[name] = 0.3 * randn(shape, generator: generator);
        void Linear(string name, int outputs, int inputs)
        {
            Add(name + ".weight", outputs, inputs);
            Add(name + ".bias", outputs);
        }
        void Norm(string name)
        {
            // Near 1 and 0, so that the states of different words differ by much more than rounding.
            tensors[name + ".weight"] = 1 + (0.1 * randn(D, generator: generator));
            tensors[name + ".bias"] = 0.1 * randn(D, generator: generator);
        }
        Add("embeddings.word_embeddings.weight", s_vocabulary.Length, D);
        Add("embeddings.position_embeddings.weight", WindowLength, D);
        Add("embeddings.token_type_embeddings.weight", 2, D);
        Norm("embeddings.LayerNorm");
        for (int layer = 0; layer < L; layer++)
        {
            string prefix = $"encoder.layer.{layer}.";
            foreach (string name in new[] { "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense" })
                Linear(prefix + name, D, D);
            Linear(prefix + "intermediate.dense", F, D);
            Linear(prefix + "output.dense", D, F);
            Norm(prefix + "attention.output.LayerNorm");
            Norm(prefix + "output.LayerNorm");
        }
        return tensors;
    }
}
