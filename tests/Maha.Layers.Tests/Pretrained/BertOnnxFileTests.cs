using Google.Protobuf;
using Maha.Layers.Pretrained;
using Maha.Layers.Weights;
using Onnx;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Pretrained;

public sealed class BertOnnxFileTests
{
    [Fact]
    public void Matrices_AreFoundByTheirBiases()
    {
        using var scope = NewDisposeScope();
        var tensors = BertSamples.Tensors();
        using var checkpoint = Read(BertSamples.Onnx(tensors).ToByteArray());
        Assert.Equal(BertSamples.H, checkpoint.NumHeads);
        Assert.Equal(1e-12, checkpoint.NormEpsilon);
        var names = tensors.Keys.Where(name => !name.Contains("pooler", StringComparison.Ordinal) && !name.EndsWith("position_ids", StringComparison.Ordinal));
        Assert.Equal(names.Order(StringComparer.Ordinal), checkpoint.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.All(checkpoint.Tensors, pair => Assert.True(pair.Value.Equals(tensors[pair.Key]), pair.Key));
        checkpoint.CreateEncoder().Dispose();
    }

    [Fact]
    public void Float16_BecomesAFloat32Encoder()
    {
        using var scope = NewDisposeScope();
        var model = BertSamples.Onnx(BertSamples.Tensors());
        foreach (var initializer in model.Graph.Initializer.Where(item => item.DataType == (int)TensorProto.Types.DataType.Float))
        {
            initializer.DataType = (int)TensorProto.Types.DataType.Float16;
            initializer.RawData = ByteString.CopyFrom(new byte[initializer.RawData.Length / 2]);
        }
        using var checkpoint = Read(model.ToByteArray());
        using var encoder = checkpoint.CreateEncoder();
        Assert.All(encoder.parameters(), parameter => Assert.Equal(ScalarType.Float32, parameter.dtype));
    }

    public static TheoryData<string, string> OtherGraphs => new()
    {
        { "empty", "must contain a graph" },
        { "names", "must have the weight names of a BERT encoder" },
        { "tanh", "must be the exact GELU" },
        { "quantized", "The matrix of every linear layer must be a constant" },
        { "heads", "The number of heads must be shown by the graph" },
        { "different heads", "All layers must have the same number of heads" },
        { "epsilons", "All norms must have the same epsilon" },
        { "external", "are in another file" },
        { "type", "is of type Int8" },
        { "short", "must have as many values as its shape says" },
        { "overflow", "must have as many values as its shape says" },
        { "twice", "must have different names" },
    };

    [Theory]
    [MemberData(nameof(OtherGraphs))]
    public void OtherGraphs_AreRefused(string kind, string message)
    {
        using var scope = NewDisposeScope();
        var model = BertSamples.Onnx(BertSamples.Tensors());
        var nodes = model.Graph.Node;
        var words = model.Graph.Initializer.Single(item => item.Name == "embeddings.word_embeddings.weight");
        switch (kind)
        {
            case "empty":
                model.Graph = null;
                break;
            case "names":
                words.Name = "1";
                break;
            case "tanh":
                Retype("Erf", "Tanh");
                break;
            case "quantized":
                Retype("MatMul", "MatMulInteger");
                break;
            case "heads":
                Retype("Reshape", "Split");
                break;
            case "different heads":
                nodes.Last(node => node.OpType == "Concat").Input.Insert(2, nodes.First(node => node.OpType == "Constant").Output[0]);
                nodes.Last(node => node.OpType == "Concat").Input.RemoveAt(3);
                break;
            case "epsilons":
                nodes.Last(node => node.OpType == "Constant").Attribute[0].T.FloatData[0] = 1e-5f;
                break;
            case "external":
                words.DataLocation = TensorProto.Types.DataLocation.External;
                break;
            case "type":
                words.DataType = (int)TensorProto.Types.DataType.Int8;
                break;
            case "short":
                words.RawData = ByteString.CopyFrom(words.RawData.Span[..^4]);
                break;
            case "overflow":
                (words.RawData, long many) = (ByteString.Empty, 1L << 31);
                words.Dims.Clear();
                words.Dims.Add([0, many, many, many]);
                break;
            default:
                model.Graph.Initializer.Add(words.Clone());
                break;
        }
        Assert.Contains(message, Assert.Throws<WeightFileException>(() => Read(model.ToByteArray())).Message, StringComparison.Ordinal);

        void Retype(string from, string to)
        {
            foreach (var node in nodes.Where(node => node.OpType == from))
                node.OpType = to;
        }
    }

    [Fact]
    public void DamagedFiles_AreRefused()
    {
        using var scope = NewDisposeScope();
        byte[] file = BertSamples.Onnx(BertSamples.Tensors()).ToByteArray();
        for (int length = 0; length < file.Length; length += 397)
            Assert.Throws<WeightFileException>(() => Read(file[..length]));
        var random = new Random(4);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] altered = [.. file];
            altered[random.Next(altered.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                using var checkpoint = Read(altered);
                checkpoint.CreateEncoder().Dispose();
            }
            catch (WeightFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10, 299);
    }

    private static BertCheckpoint Read(byte[] file)
    {
        using var model = new MemoryStream(file);
        using var vocabulary = new MemoryStream(BertSamples.VocabularyFile);
        return BertCheckpoint.FromOnnx(model, vocabulary);
    }
}
