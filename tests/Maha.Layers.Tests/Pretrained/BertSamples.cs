using System.Globalization;
using Google.Protobuf;
using Maha.Layers.Weights;
using Onnx;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Pretrained;

/// <summary>A small BERT encoder with random weights, as tensors, as a folder of files and as an ONNX graph.</summary>
internal static class BertSamples
{
    public const int D = 12;
    public const int H = 3;
    public const int F = 20;
    public const int L = 2;
    public const int P = 18;
    public const float Epsilon = 1e-12f;

    public const string Config =
        """{"model_type": "bert", "hidden_act": "gelu", "num_attention_heads": 3, "num_hidden_layers": 2, "layer_norm_eps": 1e-12, "position_embedding_type": "absolute"}""";

    public static readonly string[] Vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "##s", "dog", "cat", ".", "sat"];

    /// <summary>The tensors of the encoder in float32, with a pooler and the list of positions beside them, as files have them.</summary>
    public static Dictionary<string, Tensor> Tensors()
    {
        var tensors = new Dictionary<string, Tensor>();
        int seed = 1;
        void Add(string name, params long[] shape) => tensors[name] = (0.3 * TestTensors.Random(seed++, shape)).to_type(ScalarType.Float32);
        Add("embeddings.word_embeddings.weight", Vocabulary.Length, D);
        Add("embeddings.position_embeddings.weight", P, D);
        Add("embeddings.token_type_embeddings.weight", 2, D);
        Add("embeddings.LayerNorm.weight", D);
        Add("embeddings.LayerNorm.bias", D);
        for (int layer = 0; layer < L; layer++)
        {
            foreach ((string name, int outputs, int inputs) in LinearLayers(layer))
            {
                Add($"{name}.weight", outputs, inputs);
                Add($"{name}.bias", outputs);
            }
            foreach (string name in new[] { "attention.output.LayerNorm", "output.LayerNorm" })
            {
                Add($"encoder.layer.{layer}.{name}.weight", D);
                Add($"encoder.layer.{layer}.{name}.bias", D);
            }
        }
        Add("pooler.dense.weight", D, D);
        tensors["embeddings.position_ids"] = arange(P).unsqueeze(0);
        return tensors;
    }

    /// <summary>A folder with model.safetensors, vocab.txt and config.json.</summary>
    public static string WriteFolder(Action<string>? change = null)
    {
        string folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
        using (NewDisposeScope())
            SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Tensors());
        File.WriteAllLines(Path.Combine(folder, "vocab.txt"), Vocabulary);
        File.WriteAllText(Path.Combine(folder, "config.json"), Config);
        change?.Invoke(folder);
        return folder;
    }

    /// <summary>The parts of the exporter's graph that a reader looks at: named biases, numbered and transposed matrices, shapes of heads, norms, Erf.</summary>
    public static ModelProto Onnx(Dictionary<string, Tensor> tensors)
    {
        var graph = new GraphProto { Name = "bert" };
        int number = 900;
        string Next() => (number++).ToString(CultureInfo.InvariantCulture);
        void Node(string type, string output, params string[] inputs) => graph.Node.Add(new NodeProto { OpType = type, Output = { output }, Input = { inputs } });
        void Constant(string name, TensorProto value) => graph.Node.Add(new NodeProto
        {
            OpType = "Constant",
            Output = { name },
            Attribute = { new AttributeProto { Name = "value", T = value } },
        });

        var matrices = Enumerable.Range(0, L).SelectMany(LinearLayers).Select(layer => $"{layer.Name}.weight").ToHashSet();
        foreach (var (name, tensor) in tensors.Where(pair => !matrices.Contains(pair.Key)))
            graph.Initializer.Add(Proto(name, tensor));
        for (int layer = 0; layer < L; layer++)
        {
            foreach ((string name, _, _) in LinearLayers(layer))
            {
                string matrix = Next(), product = Next(), sum = Next();
                graph.Initializer.Add(Proto(matrix, tensors[$"{name}.weight"].t()));
                Node("MatMul", product, "states", matrix);
                Node("Add", sum, $"{name}.bias", product);
                if (!name.EndsWith("query", StringComparison.Ordinal))
                    continue;
                string heads = Next(), width = Next(), shape = Next();
                graph.Initializer.Add(Integer(heads, H));
                Constant(width, Integer("", D / H));
                Node("Concat", shape, "batch", "length", heads, width);
                Node("Reshape", Next(), sum, shape);
            }
            string epsilon = Next(), variance = Next();
            Constant(epsilon, new TensorProto { DataType = (int)TensorProto.Types.DataType.Float, FloatData = { Epsilon } });
            Node("Add", variance, "squares", epsilon);
            Node("Sqrt", Next(), variance);
            Node("Erf", Next(), "states");
        }
        return new ModelProto { ProducerName = "pytorch", Graph = graph };
    }

    public static byte[] VocabularyFile => [.. Vocabulary.SelectMany(entry => System.Text.Encoding.UTF8.GetBytes(entry + "\n"))];

    private static IEnumerable<(string Name, int Outputs, int Inputs)> LinearLayers(int layer)
    {
        string prefix = $"encoder.layer.{layer}.";
        yield return (prefix + "attention.self.query", D, D);
        yield return (prefix + "attention.self.key", D, D);
        yield return (prefix + "attention.self.value", D, D);
        yield return (prefix + "attention.output.dense", D, D);
        yield return (prefix + "intermediate.dense", F, D);
        yield return (prefix + "output.dense", D, F);
    }

    private static TensorProto Proto(string name, Tensor tensor) => new()
    {
        Name = name,
        Dims = { tensor.shape },
        DataType = (int)(tensor.dtype == ScalarType.Int64 ? TensorProto.Types.DataType.Int64 : TensorProto.Types.DataType.Float),
        RawData = ByteString.CopyFrom(tensor.contiguous().bytes),
    };

    private static TensorProto Integer(string name, long value) =>
        new() { Name = name, Dims = { 1 }, DataType = (int)TensorProto.Types.DataType.Int64, Int64Data = { value } };
}
