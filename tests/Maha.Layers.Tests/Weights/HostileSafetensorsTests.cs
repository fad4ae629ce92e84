using System.Buffers.Binary;
using System.Text;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Weights;

/// <summary>Malformed files: the reader must throw its own exception and use little memory.</summary>
public class HostileSafetensorsTests
{
    // The memory that one small file may take: the objects of the header and a few exceptions.
    private const long MostBytes = 2_000_000;

    [Theory]
    [InlineData("", 0, "must have from 2 to")]
    [InlineData("[]", 0, "must begin with '{'")]
    [InlineData(" {}", 0, "must begin with '{'")]
    [InlineData("{} x", 0, "must be JSON")]
    [InlineData("{\"", 0, "must be JSON")]
    [InlineData("""{"a":1}""", 0, "under 'a', but holds Number")]
    [InlineData("""{"a":{}}""", 0, "lacks one of them")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "lacks one of them")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "lacks one of them")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}""", 4, "at most 2 numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", 4, "has another 'more'")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "has another 'dtype'")]
    [InlineData("""{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}""", 1, "is 'F8'")]
    [InlineData("""{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}""", 4, "a dtype of text")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "integers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "must be integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "must be integers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4, "2^63 - 1")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "needs 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "needs 4 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "fewer than 2^63 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "fewer than 2^63 bytes")]
    [InlineData("""{"a":{"dtype":"F64","shape":[1152921504606846975],"data_offsets":[0,9223372036854775800]}}""", 8, "must fill the file")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1000000000000],"data_offsets":[0,1000000000000]}}""", 8, "must fill the file")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}""", 6,
        "'b' begins at byte 2 instead of 4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}""", 9,
        "'b' begins at byte 5 instead of 4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}""", 5, "'a' begins at byte 1 instead of 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 5, "must fill the file")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 3, "must fill the file")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "'a' occurs twice")]
    [InlineData("""{"a\u0000":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "NUL")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "valid Unicode")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "key-value pairs of text")]
    [InlineData("""{"__metadata__":[]}""", 0, "key-value pairs of text")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "'a' occurs twice")]
    [InlineData("""{"__metadata__":{"a":{"b":{}}}}""", 0, "key-value pairs of text")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}""", 1, "at most 64 numbers")]
    public void BrokenHeader_IsRefused(string header, int dataBytes, string message)
        => Assert.Contains(message, Refuse(SafetensorsFiles.WithHeader(header, dataBytes)));

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void WrongHeaderLength_IsRefused(ulong length)
    {
        byte[] file = SafetensorsFiles.WithHeader("{}", 0);
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        Assert.Contains("must have from 2 to 100000000 bytes", Refuse(file));
    }

    [Fact]
    public void HeaderLongerThanTheFile_IsRefused_BeforeItIsAllocated()
    {
        byte[] file = SafetensorsFiles.WithHeader("{}", 0);
        BinaryPrimitives.WriteUInt64LittleEndian(file, 99_999_999);
        Assert.Contains("must end inside the file", Refuse(file));
        // The length of this stream is not known, so the reader must find its end.
        Assert.Contains("ends after 2", Refuse(new SafetensorsFiles.Trickle(file)));
    }

    [Fact]
    public void TensorLongerThanAStream_IsRefused_BeforeItIsAllocated()
    {
        byte[] file = SafetensorsFiles.WithHeader("""{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}""", 100);
        Assert.Contains("but ends before", Refuse(new SafetensorsFiles.Trickle(file)));
    }

    [Fact]
    public void InvalidUtf8_IsRefused()
    {
        byte[] json = Encoding.UTF8.GetBytes("""{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""");
        json[2] = 0xff;
        Refuse(SafetensorsFiles.WithHeader(json, 1));
    }

    [Fact]
    public void DeepNesting_IsRefused()
        => Refuse(SafetensorsFiles.WithHeader("{\"__metadata__\":{\"a\":" + new string('[', 100_000), 0));

    [Fact]
    public void BooleanByteAboveOne_IsRefused()
    {
        byte[] file = SafetensorsFiles.WithHeader("""{"a":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}""", 4);
        file[^2] = 2;
        Assert.Contains("byte 2 of 'a' is 2", Refuse(file));
    }

    [Fact]
    public void EveryTruncation_IsRefused()
    {
        using var scope = NewDisposeScope();
        byte[] file = Valid();
        for (int length = 0; length < file.Length; length++)
        {
            Refuse(file[..length]);
            if (length % 7 == 0)
                Refuse(new SafetensorsFiles.Trickle(file[..length]));
        }
    }

    /// <summary>
    /// Bytes are changed, inserted, removed or repeated. The file must be read, or be refused with the reader's own exception, in little memory.
    /// </summary>
    [Fact]
    public void RandomMutations_ReadOrThrowOurException()
    {
        byte[] valid = Valid();
        var random = new Random(1);
        int refused = 0;
        const int trials = 4000;
        for (int trial = 0; trial < trials; trial++)
        {
            using var scope = NewDisposeScope();
            byte[] file = valid;
            for (int i = 1 + random.Next(3); i > 0; i--)
                file = Mutate(file, random);
            Stream stream = trial % 4 == 0 ? new SafetensorsFiles.Trickle(file) : new MemoryStream(file);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var reader = new SafetensorsReader(stream);
                var tensors = reader.ReadAll();
                Assert.True(tensors.Values.Sum(tensor => tensor.numel() * tensor.ElementSize) <= file.Length);
            }
            catch (WeightFileException problem)
            {
                Assert.NotEmpty(problem.Message);
                refused++;
            }
            long used = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(used < MostBytes, $"trial {trial} allocated {used} bytes");
        }
        Assert.InRange(refused, trials / 4, trials - 1); // most mutations break the file, some only change a number
    }

    private static byte[] Mutate(byte[] file, Random random)
    {
        if (file.Length < 2)
            return file;
        // Half of the mutations are in the header.
        int at = random.Next(random.Next(2) == 0 ? file.Length : Math.Min(file.Length, 400));
        byte[] copy = (byte[])file.Clone();
        switch (random.Next(6))
        {
            case 0:
                copy[at] = (byte)random.Next(256);
                return copy;
            case 1:
                copy[at] ^= (byte)(1 << random.Next(8));
                return copy;
            case 2:
                copy[at] = (byte)"0123456789{}[]\",:"[random.Next(17)];
                return copy;
            case 3:
                return [.. file[..at], (byte)random.Next(256), .. file[at..]];
            case 4:
                return [.. file[..at], .. file[Math.Min(file.Length, at + 1 + random.Next(20))..]];
            default:
                int end = Math.Min(file.Length, at + random.Next(60));
                return [.. file[..end], .. file[at..end], .. file[end..]];
        }
    }

    private static byte[] Valid()
    {
        using var scope = NewDisposeScope();
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, SafetensorsFiles.OfEveryType(), new Dictionary<string, string> { ["format"] = "pt" });
        return stream.ToArray();
    }

    private static string Refuse(byte[] file) => Refuse(new MemoryStream(file));

    private static string Refuse(Stream stream)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<WeightFileException>(() =>
        {
            using var scope = NewDisposeScope();
            using var reader = new SafetensorsReader(stream);
            reader.ReadAll();
        }).Message;
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MostBytes);
        return message;
    }
}
