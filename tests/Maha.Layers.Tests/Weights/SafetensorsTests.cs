using System.Buffers.Binary;
using System.Text;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Weights;

public class SafetensorsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryType_RoundTripsBitForBit(bool canSeek)
    {
        using var scope = NewDisposeScope();
        var tensors = SafetensorsFiles.OfEveryType();
        byte[] file = Write(tensors, new Dictionary<string, string> { ["author"] = "Zo\u00eb", ["format"] = "pt" });
        using var reader = new SafetensorsReader(canSeek ? new MemoryStream(file) : new SafetensorsFiles.Trickle(file));
        var read = reader.ReadAll();
        Assert.Equal(tensors.Keys.Order(), read.Keys.Order());
        foreach (var (name, tensor) in tensors)
        {
            Assert.Equal(tensor.dtype, read[name].dtype);
            Assert.Equal(tensor.shape, read[name].shape);
            if (tensor.numel() > 0)
                Assert.True(tensor.bytes.SequenceEqual(read[name].bytes), name);
        }
        Assert.Equal("Zo\u00eb", reader.Metadata["author"]);
        Assert.Equal(2, reader.Metadata.Count);
    }

    [Fact]
    public void Bytes_AreThoseOfTheFormat()
    {
        using var scope = NewDisposeScope();
        byte[] file = Write(new() { ["b"] = tensor(new float[] { 1, 2 }), ["a"] = tensor(new byte[] { 7 }) }, null);
        const string header = """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""";
        int padded = (header.Length + 7) / 8 * 8;
        Assert.Equal(padded, BinaryPrimitives.ReadInt64LittleEndian(file));
        Assert.Equal(header.PadRight(padded), Encoding.UTF8.GetString(file, 8, padded));
        Assert.Equal([7, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40], file[(8 + padded)..]);
    }

    [Fact]
    public void EqualTensors_MakeEqualBytes_InAnyOrder()
    {
        using var scope = NewDisposeScope();
        var tensors = SafetensorsFiles.OfEveryType();
        var metadata = new Dictionary<string, string> { ["x"] = "1", ["a"] = "2" };
        Assert.Equal(Write(tensors, metadata), Write(tensors.Reverse().ToDictionary(), metadata.Reverse().ToDictionary()));
    }

    [Fact]
    public void TransposedTensor_IsWrittenInItsOwnOrder()
    {
        using var scope = NewDisposeScope();
        var matrix = TestTensors.Random(1, 3, 4);
        using var reader = new SafetensorsReader(new MemoryStream(Write(new() { ["m"] = matrix.transpose(0, 1) }, null)));
        TestTensors.AssertClose(matrix.transpose(0, 1), reader.Read("m"), 0);
    }

    [Fact]
    public void TensorOfManyChunks_RoundTrips()
    {
        using var scope = NewDisposeScope();
        var large = arange(5_000_001, dtype: ScalarType.Int64); // 40 MB: three pieces in memory, forty reads
        byte[] file = Write(new() { ["large"] = large, ["last"] = tensor(new short[] { 3 }) }, null);
        foreach (var stream in new Stream[] { new MemoryStream(file), new BufferedStream(new SafetensorsFiles.Trickle(file), 1 << 16) })
        {
            using var reader = new SafetensorsReader(stream);
            Assert.True(reader.Read("large").eq(large).all().item<bool>());
            Assert.Equal(3, reader.Read("last").item<short>());
        }
    }

    [Fact]
    public void Tensors_AreReadInAnyOrder_WhereTheStreamCanSeek()
    {
        using var scope = NewDisposeScope();
        byte[] file = Write(new() { ["a"] = tensor(new[] { 1L }), ["b"] = tensor(new[] { 2L }), ["c"] = tensor(new[] { 3L }) }, null);
        using var reader = new SafetensorsReader(new MemoryStream(file));
        Assert.Equal([3L, 1L, 2L], new[] { "c", "a", "b" }.Select(name => reader.Read(name).item<long>()));

        using var trickle = new SafetensorsReader(new SafetensorsFiles.Trickle(file));
        Assert.Equal(2, trickle.Read("b").item<long>());
        Assert.Contains("in the order of Entries", Assert.Throws<InvalidOperationException>(() => trickle.Read("a")).Message);
        Assert.Equal(3, trickle.Read("c").item<long>());
    }

    [Fact]
    public void UnknownName_Throws()
    {
        using var reader = new SafetensorsReader(new MemoryStream(SafetensorsFiles.WithHeader("{}", 0)));
        Assert.Empty(reader.Entries);
        Assert.Contains("no 'x'", Assert.Throws<KeyNotFoundException>(() => reader.Read("x")).Message);
    }

    [Fact]
    public void NamesThatTheFormatForbids_AreNotWritten()
    {
        using var scope = NewDisposeScope();
        using var one = tensor(1f);
        foreach (string name in new[] { "__metadata__", "a\0b", "\ud800" })
            Assert.ThrowsAny<ArgumentException>(() => Write(new() { [name] = one }, null));
        Assert.ThrowsAny<ArgumentException>(() => Write(new() { ["a"] = one }, new() { ["k"] = "\udc00" }));
        Assert.Contains("ComplexFloat64", Assert.ThrowsAny<ArgumentException>(() => Write(new() { ["a"] = one.to(ScalarType.ComplexFloat64) }, null)).Message);
    }

    [Fact]
    public void DisposedTensor_IsNotWritten()
    {
        var gone = tensor(1f);
        gone.Dispose();
        Assert.Contains("has been disposed", Assert.ThrowsAny<ArgumentException>(() => Write(new() { ["a"] = gone }, null)).Message);
    }

    [Fact]
    public void FailedWrite_LeavesTheOldFile()
    {
        using var scope = NewDisposeScope();
        string folder = Directory.CreateTempSubdirectory().FullName;
        string path = Path.Combine(folder, "weights.safetensors");
        try
        {
            SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["a"] = tensor(1f) });
            byte[] before = File.ReadAllBytes(path);
            Assert.ThrowsAny<ArgumentException>(() => SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["a\0"] = tensor(1f) }));
            Assert.Equal(before, File.ReadAllBytes(path));
            Assert.Single(Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static byte[] Write(Dictionary<string, Tensor> tensors, Dictionary<string, string>? metadata)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors, metadata);
        return stream.ToArray();
    }
}
