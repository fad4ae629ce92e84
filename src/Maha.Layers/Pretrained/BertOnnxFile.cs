using Google.Protobuf;
using Maha.Layers.Core;
using Maha.Layers.Weights;
using Onnx;
using static TorchSharp.torch;

namespace Maha.Layers.Pretrained;

/// <summary>The weights and the settings in an ONNX file of a BERT encoder.</summary>
/// <param name="Tensors">The tensors by their names in the BERT layout. They are in the dispose scope of the caller.</param>
/// <param name="NumHeads">H, the number of heads; null where the graph does not show it.</param>
/// <param name="NormEpsilon">The number added to the variance in norms; null where the graph does not show it.</param>
internal sealed record BertOnnxWeights(Dictionary<string, Tensor> Tensors, int? NumHeads, double? NormEpsilon);

/// <summary>
/// Reads ONNX files that PyTorch's exporter made from a BERT encoder.
/// </summary>
/// <remarks>
/// The exporter keeps the names of embeddings, norms and biases. It transposes the matrices of linear layers to [in, out] and numbers them, so a matrix is found by
/// the named bias that is added to its product.
/// </remarks>
internal static class BertOnnxFile
{
    private const string BiasEnding = ".bias";

    /// <summary>Reads a file.</summary>
    /// <param name="stream">The file. It stays open.</param>
    /// <exception cref="WeightFileException">The stream is not an ONNX file, is damaged, or its graph is not that of a BERT encoder.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static BertOnnxWeights Read(Stream stream)
    {
        TorchLibrary.EnsureLoaded();
        GraphProto graph;
        try
        {
            graph = ModelProto.Parser.ParseFrom(stream).Graph
                ?? throw new WeightFileException("An ONNX file must contain a graph, but has none. The file is empty or not an ONNX file.");
        }
        catch (InvalidProtocolBufferException cause)
        {
            throw new WeightFileException($"An ONNX file must be a complete protocol buffer, but is not: {cause.Message} Copy the file again.", cause);
        }
        var nodes = new BertOnnxGraph(graph);
        nodes.RequireExactGelu();

        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        foreach (var initializer in graph.Initializer.Where(item => BertLayout.IsOfEncoder(item.Name)))
            tensors[initializer.Name] = ToTensor(initializer);
        foreach (string bias in tensors.Keys.Where(BertLayout.IsLinearBias).ToArray())
        {
            string name = bias[..^BiasEnding.Length] + ".weight";
            if (tensors.ContainsKey(name))
                continue;
            var matrix = nodes.FindMatrix(bias) ?? throw new WeightFileException(
                $"The matrix of every linear layer must be a constant that a MatMul multiplies by, with the named bias added after it, but there is none for " +
                $"'{bias}'. The graph was optimized, quantized or split. Export the model again without optimization, or use its safetensors file.");
            var transposed = ToTensor(matrix);
            if (transposed.dim() != 2)
                throw new WeightFileException($"The matrix of '{bias}' must have 2 dimensions, but has the shape {TensorChecks.Show(transposed.shape)}.");
            tensors[name] = transposed.t().contiguous();
        }
        foreach (var tensor in tensors.Values)
            tensor.MoveToOuterDisposeScope();
        return new BertOnnxWeights(tensors, nodes.FindNumHeads(), nodes.FindNormEpsilon());
    }

    private static Tensor ToTensor(TensorProto proto)
    {
        string name = SafetensorsHeader.Quote(proto.Name);
        if (proto.DataLocation == TensorProto.Types.DataLocation.External)
        {
            throw new WeightFileException(
                $"An ONNX file must contain its weights, but those of {name} are in another file. Save the model as one file, or use its safetensors file.");
        }
        (var type, int size) = (TensorProto.Types.DataType)proto.DataType switch
        {
            TensorProto.Types.DataType.Float => (ScalarType.Float32, 4),
            TensorProto.Types.DataType.Float16 => (ScalarType.Float16, 2),
            TensorProto.Types.DataType.Bfloat16 => (ScalarType.BFloat16, 2),
            TensorProto.Types.DataType.Double => (ScalarType.Float64, 8),
            var other => throw new WeightFileException(
                $"Weights must be of type Float, Float16, Bfloat16 or Double, but {name} is of type {other}. Use a model that is not quantized."),
        };
        // Strides are products of all dimensions but those of size 0.
        Int128 strides = 1;
        foreach (long dimension in proto.Dims)
            strides = dimension < 0 || strides < 0 || strides > int.MaxValue ? -1 : strides * Math.Max(1, dimension);
        var elements = strides >= 0 && proto.Dims.Contains(0) ? 0 : strides;
        long available = proto.RawData.Length > 0 ? proto.RawData.Length / size : type == ScalarType.Float32 ? proto.FloatData.Count : 0;
        if (strides < 0 || elements != available || proto.RawData.Length % size != 0)
        {
            throw new WeightFileException(
                $"A tensor must have as many values as its shape says, but {name} has the shape {TensorChecks.Show([.. proto.Dims])} and {available} values. " +
                "The file is damaged: copy it again.");
        }
        if (proto.RawData.Length == 0)
            return tensor(proto.FloatData.ToArray(), [.. proto.Dims]);
        var result = empty([.. proto.Dims], type);
        TensorBytes.ForEachChunk(result, proto.RawData.Length,
            (chunk, first) => proto.RawData.Span.Slice((int)first, chunk.Length).CopyTo(chunk));
        return result;
    }
}
