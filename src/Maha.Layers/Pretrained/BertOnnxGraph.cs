using System.Globalization;
using System.Runtime.InteropServices;
using Maha.Layers.Weights;
using Onnx;

namespace Maha.Layers.Pretrained;

/// <summary>The nodes of an ONNX graph of a BERT encoder, and what they show of its settings.</summary>
internal sealed class BertOnnxGraph
{
    private readonly GraphProto _graph;
    private readonly Dictionary<string, NodeProto> _producers = [];
    private readonly Dictionary<string, TensorProto> _constants = [];
    private readonly Dictionary<string, NodeProto> _biasAdditions = [];

    /// <exception cref="WeightFileException">Two weights have the same name.</exception>
    public BertOnnxGraph(GraphProto graph)
    {
        _graph = graph;
        foreach (var initializer in graph.Initializer)
        {
            if (!_constants.TryAdd(initializer.Name, initializer))
            {
                throw new WeightFileException(
                    $"The weights of a graph must have different names, but there are two {SafetensorsHeader.Quote(initializer.Name)}. The file is damaged.");
            }
        }
        foreach (var node in graph.Node)
        {
            foreach (string output in node.Output)
                _producers.TryAdd(output, node);
            if (node.OpType == "Constant" && node.Output.Count == 1 && node.Attribute.FirstOrDefault(item => item.Name == "value")?.T is { } value)
                _constants.TryAdd(node.Output[0], value);
        }
        foreach (var node in graph.Node.Where(node => node.OpType == "Add" && node.Input.Count == 2))
        {
            foreach (string input in node.Input.Where(BertLayout.IsLinearBias))
                _biasAdditions.TryAdd(input, node);
        }
    }

    /// <summary>Returns the matrix, [in, out], whose product with the states a bias is added to; null if there is none.</summary>
    public TensorProto? FindMatrix(string bias)
    {
        if (!_biasAdditions.TryGetValue(bias, out var addition))
            return null;
        string product = addition.Input[addition.Input[0] == bias ? 1 : 0];
        return _producers.TryGetValue(product, out var multiplication) && multiplication.OpType == "MatMul" && multiplication.Input.Count == 2
            ? _constants.GetValueOrDefault(multiplication.Input[1])
            : null;
    }

    /// <summary>Returns the number of heads: the last dimension but one of the shape that queries are given. Null if the graph does not show it.</summary>
    /// <exception cref="WeightFileException">The layers have different numbers of heads.</exception>
    public int? FindNumHeads()
    {
        int? found = null;
        foreach ((string bias, var addition) in _biasAdditions)
        {
            if (!bias.EndsWith("attention.self.query.bias", StringComparison.Ordinal))
                continue;
            var reshape = _graph.Node.FirstOrDefault(node => node.OpType == "Reshape" && node.Input.Count == 2 && node.Input[0] == addition.Output[0]);
            if (reshape is null || ReadShape(reshape.Input[1]) is not [.., { } heads, _])
                continue;
            if (found is not null && found != heads)
                throw new WeightFileException($"All layers must have the same number of heads, but some have {found} and that of '{bias}' has {heads}.");
            found = (int)Math.Clamp(heads, 0, int.MaxValue);
        }
        return found is > 0 ? found : null;
    }

    /// <summary>Returns the number that is added to the variance in norms. Null if the graph does not show it.</summary>
    /// <exception cref="WeightFileException">The norms have different numbers.</exception>
    public double? FindNormEpsilon()
    {
        var found = new HashSet<float>();
        foreach (var node in _graph.Node)
        {
            if (node.OpType == "LayerNormalization")
                found.Add(node.Attribute.FirstOrDefault(item => item.Name == "epsilon")?.F ?? 1e-5f);
            bool isDeviation = node.OpType == "Sqrt" && node.Input.Count == 1
                && _producers.TryGetValue(node.Input[0], out var sum) && sum.OpType == "Add" && sum.Input.Count == 2;
            if (isDeviation)
                found.UnionWith(_producers[node.Input[0]].Input.Select(ReadFloat).OfType<float>());
        }
        if (found.Count > 1)
        {
            throw new WeightFileException(
                $"All norms must have the same epsilon, but the graph has {string.Join(", ", found.Order().Select(value => value.ToString(CultureInfo.InvariantCulture)))}.");
        }
        // By its digits: the float nearest to 1e-12 becomes the double nearest to 1e-12.
        return found.Count == 0 ? null : double.Parse(found.Single().ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    /// <summary>Checks that the activation is the exact GELU, which is written by the error function.</summary>
    /// <exception cref="WeightFileException">It is another one, or the graph is not that of a BERT encoder.</exception>
    public void RequireExactGelu()
    {
        if (BertLayout.FindWordEmbeddings(_constants.Keys) is null)
        {
            throw new WeightFileException(
                "An ONNX file must have the weight names of a BERT encoder, but there is no 'embeddings.word_embeddings.weight', with or without the prefix " +
                "'bert.'. Export a BERT model with PyTorch's exporter, which keeps the names, or use its safetensors file.");
        }
        if (!_graph.Node.Any(node => node.OpType == "Erf" || node.OpType == "Gelu" && !IsApproximate(node)))
        {
            string operators = string.Join(", ", _graph.Node.Select(node => node.OpType).Distinct().Order().Take(30));
            throw new WeightFileException(
                $"The activation must be the exact GELU, written by Erf or Gelu, but the graph has only the operators {operators}. Other activations and fused " +
                "graphs are not supported. Export the model again without optimization, or use its safetensors file.");
        }
    }

    private static bool IsApproximate(NodeProto node) =>
        node.Attribute.Any(item => item.Name == "approximate" && item.S.ToStringUtf8() != "none");

    // A constant shape, or the parts of one; null for a part that depends on the input.
    private List<long?> ReadShape(string name)
    {
        if (_constants.TryGetValue(name, out var constant))
            return [.. ReadIntegers(constant).Select(value => (long?)value)];
        return _producers.TryGetValue(name, out var node) && node.OpType == "Concat"
            ? [.. node.Input.Select(part => _constants.TryGetValue(part, out var value) && ReadIntegers(value) is [var single] ? single : (long?)null)]
            : [];
    }

    private static long[] ReadIntegers(TensorProto tensor) =>
        tensor.DataType != (int)TensorProto.Types.DataType.Int64 ? []
            : tensor.RawData.Length > 0 ? MemoryMarshal.Cast<byte, long>(tensor.RawData.Span).ToArray()
            : [.. tensor.Int64Data];

    private float? ReadFloat(string name)
    {
        if (!_constants.TryGetValue(name, out var tensor) || tensor.DataType != (int)TensorProto.Types.DataType.Float)
            return null;
        float[] values = tensor.RawData.Length > 0 ? MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray() : [.. tensor.FloatData];
        return values.Length == 1 ? values[0] : null;
    }
}
