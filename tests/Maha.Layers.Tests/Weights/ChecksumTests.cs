using System.Text;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Weights;

/// <summary>Files of weights with checksums: no changed byte is read as another number.</summary>
public sealed class ChecksumTests : IDisposable
{
    private readonly nn.Module _module = nn.Sequential(("first", nn.Linear(3, 2)), ("second", nn.Linear(2, 1)));

    public void Dispose() => _module.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryChangedByte_IsRefused_AndTheModuleStays(bool canSeek)
    {
        byte[] file = Save(new Dictionary<string, string> { ["author"] = "Zo\u00eb" });
        double[] before = Numbers();
        var random = new Random(1);
        int changes = 0;
        for (int at = 0; at < file.Length; at++)
        {
            byte[] changed = (byte[])file.Clone();
            changed[at] ^= (byte)(1 << random.Next(8));
            // A changed key of the checksum of the header leaves that of the tensors, and the other way around.
            var e = Record.Exception(() => ModuleWeights.Load(_module, canSeek ? new MemoryStream(changed) : new SafetensorsFiles.Trickle(changed)));
            Assert.True(e is WeightFileException, $"byte {at}: {e?.GetType().Name ?? "read"}");
            changes++;
        }
        Assert.Equal(file.Length, changes);
        Assert.Equal(before, Numbers());
    }

    [Fact]
    public void TheMetadata_DoNotShowTheChecksums()
    {
        var metadata = ModuleWeights.Load(_module, new MemoryStream(Save(new Dictionary<string, string> { ["author"] = "Zo\u00eb" })));
        Assert.Equal([new("author", "Zo\u00eb")], metadata);
    }

    [Fact]
    public void AFileWithoutChecksums_IsRead()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, _module.state_dict());
        Assert.DoesNotContain("sha256", Encoding.UTF8.GetString(stream.ToArray()), StringComparison.Ordinal);
        stream.Position = 0;
        ModuleWeights.Load(_module, stream);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void ANumberThatIsNotFinite_IsNamed_ByLoadingAndSaving(float value)
    {
        using var scope = NewDisposeScope();
        var weights = _module.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone());
        weights["second.weight"][0, 1] = value;
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, weights);
        double[] before = Numbers();
        stream.Position = 0;
        const string expected = "The weights of a module must be finite, but 1 of 2 numbers of 'second.weight' are NaN or infinite.";
        Assert.StartsWith(expected, Assert.Throws<WeightFileException>(() => ModuleWeights.Load(_module, stream)).Message, StringComparison.Ordinal);
        Assert.StartsWith(expected, Assert.Throws<WeightFileException>(() => ModuleWeights.Load(_module, weights)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Numbers());

        using (no_grad())
            _module.state_dict()["second.weight"][0, 1] = value;
        Assert.StartsWith(expected, Assert.Throws<InvalidOperationException>(() => ModuleWeights.Save(_module, Stream.Null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Metadata_MayHoldWhatTheChecksumsLookLike()
    {
        string zeros = new('0', 64);
        string[] values = [zeros, $"x{zeros}0", SafetensorsChecksums.HeaderKey, $"\"{SafetensorsChecksums.HeaderKey}\":\"{zeros}\"", $"{SafetensorsChecksums.HeaderKey}\":\"{zeros}"];
        foreach (string value in values)
        {
            // Before and behind the checksums, as a key and as a value.
            var metadata = new Dictionary<string, string> { ["commit"] = value, ["zone"] = value, [value] = "key", ["~" + value] = "key" };
            metadata.Remove(SafetensorsChecksums.HeaderKey);
            var read = ModuleWeights.Load(_module, new MemoryStream(Save(metadata)));
            Assert.Equal(metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal), read.OrderBy(pair => pair.Key, StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64, ScalarType.Float32, 1e300)]
    [InlineData(ScalarType.Float32, ScalarType.Float16, 1e5)]
    [InlineData(ScalarType.Float64, ScalarType.BFloat16, 1e39)]
    public void ANumberThatIsTooLargeForTheTypeOfTheModule_IsNamed(ScalarType source, ScalarType target, double value)
    {
        using var scope = NewDisposeScope();
        var weights = _module.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().to(source).clone());
        weights["second.weight"][0, 1] = value;
        _module.to(target);
        double[] before = Numbers();
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, weights);
        stream.Position = 0;
        string expected = $"The weights of a module must be finite, but 1 of 2 numbers of 'second.weight' are NaN or infinite as {target}";
        Assert.StartsWith(expected, Assert.Throws<WeightFileException>(() => ModuleWeights.Load(_module, stream)).Message, StringComparison.Ordinal);
        Assert.StartsWith(expected, Assert.Throws<WeightFileException>(() => ModuleWeights.Load(_module, weights)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Numbers());
        weights["second.weight"][0, 1] = 3;
        ModuleWeights.Load(_module, weights);
        Assert.Contains(3, Numbers());
    }

    [Fact]
    public void ATensorThatIsMissing_IsNamed()
    {
        using var scope = NewDisposeScope();
        var weights = _module.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone());
        weights["first.bias"].Dispose();
        Assert.Contains("tensors[\"first.bias\"]", Assert.Throws<ArgumentException>(() => ModuleWeights.Load(_module, weights)).Message, StringComparison.Ordinal);
        weights["first.bias"] = null!;
        Assert.Contains("tensors[\"first.bias\"]", Assert.Throws<ArgumentNullException>(() => ModuleWeights.Load(_module, weights)).Message, StringComparison.Ordinal);
    }

    private double[] Numbers() =>
        [.. _module.state_dict().OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => TestTensors.ToArray(pair.Value))];

    private byte[] Save(Dictionary<string, string> metadata)
    {
        using var stream = new MemoryStream();
        ModuleWeights.Save(_module, stream, metadata);
        return stream.ToArray();
    }
}
