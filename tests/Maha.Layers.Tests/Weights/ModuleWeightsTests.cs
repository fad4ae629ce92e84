using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Weights;

public class ModuleWeightsTests
{
    private static readonly MahaTransformerOptions s_options = new MahaTransformerOptions
    {
        VocabSize = 7,
        MaxSequenceLength = 9,
        DModel = 6,
        NumHeads = 2,
        NumLayers = 2,
        FeedForwardDim = 10,
    }.With(attention: AttentionKind.MahaReference, numScales: 3, aggregation: AggregationKind.Gated);

    [Fact]
    public void SavedModel_RoundTripsBitForBit()
    {
        using var scope = NewDisposeScope();
        using var model = new MahaTokenModel(s_options);
        using var other = new MahaTokenModel(s_options);
        using var stream = new MemoryStream();
        ModuleWeights.Save(model, stream, new Dictionary<string, string> { ["version"] = "1" });
        stream.Position = 0;
        Assert.Equal("1", ModuleWeights.Load(other, stream)["version"]);
        var ids = TestTensors.RandomIds(1, 7, 2, 9);
        model.eval();
        other.eval();
        Assert.True(model.call(ids, null).Logits.bytes.SequenceEqual(other.call(ids, null).Logits.bytes));
        Assert.All(other.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void File_IsLoadedIntoTheModelsElementType()
    {
        using var scope = NewDisposeScope();
        string path = Path.GetTempFileName();
        try
        {
            using var model = new MahaTokenModel(s_options);
            ModuleWeights.Save(model, path);
            using var exact = new MahaTokenModel(s_options);
            exact.to(ScalarType.Float64);
            ModuleWeights.Load(exact, path);
            Assert.All(exact.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
            foreach (var (name, tensor) in model.state_dict())
                TestTensors.AssertClose(tensor, exact.state_dict()[name], 0);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void FileOfAnotherModel_IsRefused_AndNothingIsChanged()
    {
        using var scope = NewDisposeScope();
        using var model = new MahaTokenModel(s_options);
        var before = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
        Refuse("1 are missing ('head.bias')", tensors => tensors.Remove("head.bias"));
        Refuse("1 are unexpected ('more')", tensors => tensors.Add("more", zeros(1)));
        Refuse("1 are missing ('head.bias') and 1 are unexpected ('head.b')", tensors =>
        {
            tensors.Add("head.b", tensors["head.bias"]);
            tensors.Remove("head.bias");
        });
        Refuse("'head.weight' is [6, 7] and the module's is [7, 6]", tensors => tensors["head.weight"] = tensors["head.weight"].transpose(0, 1));
        Refuse("'head.bias' holds Int64", tensors => tensors["head.bias"] = zeros([7], ScalarType.Int64));
        Refuse("(", tensors => tensors.Clear());

        void Refuse(string message, Action<Dictionary<string, Tensor>> change)
        {
            var tensors = before.ToDictionary(entry => entry.Key, entry => entry.Value + 1);
            change(tensors);
            using var stream = new MemoryStream();
            SafetensorsWriter.Write(stream, tensors);
            stream.Position = 0;
            Assert.Contains(message, Assert.Throws<WeightFileException>(() => ModuleWeights.Load(model, stream)).Message);
            Assert.Contains(message, Assert.Throws<WeightFileException>(() => ModuleWeights.Load(model, tensors)).Message);
            foreach (var (name, tensor) in model.state_dict())
                TestTensors.AssertClose(before[name], tensor, 0);
        }
    }

    [Theory]
    [InlineData("encoder.token_embedding.weight")]
    [InlineData("head.bias")]
    [InlineData("encoder.blocks.1.mixer.aggregation.gates.0.gate_proj.weight")]
    public void DisposedWeight_IsNeitherSavedNorLoadedOver(string name)
    {
        using var scope = NewDisposeScope();
        using var model = new MahaTokenModel(s_options);
        using var whole = new MemoryStream();
        ModuleWeights.Save(model, whole);
        var copies = model.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
        model.get_parameter(name)!.Dispose();

        Refused(() => ModuleWeights.RequireAlive(model));
        Refused(() => ModuleWeights.Load(model, copies));
        whole.Position = 0;
        Refused(() => ModuleWeights.Load(model, whole));
        using var stream = new MemoryStream();
        Refused(() => ModuleWeights.Save(model, stream));
        Assert.Equal(0, stream.Length);
        AssertFileIsKept(path => Refused(() => ModuleWeights.Save(model, path)));

        void Refused(Action action)
        {
            string message = Assert.Throws<InvalidOperationException>(action).Message;
            Assert.Contains($"1 of {copies.Count} have been disposed ('{name}')", message, StringComparison.Ordinal);
            Assert.Contains("build or load the module again", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void DisposedBuffer_IsNotSaved()
    {
        using var encoder = new MahaDocumentEncoder(s_options.With(attention: AttentionKind.Full), new DocumentVectorParts { SpectralDim = 0 });
        encoder.get_buffer("center")!.Dispose();
        Assert.Contains("('center')",
            Assert.Throws<InvalidOperationException>(() => ModuleWeights.Save(encoder, Stream.Null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DisposedModel_IsNotSaved()
    {
        var model = new MahaTokenModel(s_options);
        int count = model.state_dict().Count;
        model.Dispose();
        Assert.Contains($"{count} of {count} have been disposed",
            Assert.Throws<InvalidOperationException>(() => ModuleWeights.Save(model, Stream.Null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DisposedTensor_IsNotWritten_AndNoFileIsTouched()
    {
        var tensor = zeros(3);
        tensor.Dispose();
        AssertFileIsKept(path => Assert.Contains("disposed", Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path,
            new Dictionary<string, Tensor> { ["a"] = tensor })).Message, StringComparison.Ordinal));
    }

    private static void AssertFileIsKept(Action<string> save)
    {
        using var folder = new Training.TemporaryFolder();
        string path = Path.Combine(folder.Path, "weights.safetensors");
        File.WriteAllText(path, "old");
        // A folder with the name of the partial file makes opening it fail.
        Directory.CreateDirectory(path + ".partial");
        save(path);
        Assert.Equal("old", File.ReadAllText(path));
    }
}
