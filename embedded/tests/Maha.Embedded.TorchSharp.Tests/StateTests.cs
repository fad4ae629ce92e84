using System.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class StateTests
{
    private sealed class Small : Module
    {
        public readonly Parameter a;
        public readonly Tensor b;

        public Small() : base(nameof(Small))
        {
            a = new Parameter(tensor(new float[] { 1, -2 }, new long[] { 1, 2 }));
            b = tensor(new long[] { 7 });
            RegisterComponents();
        }
    }

    // Two entries: "a" of type 6 (float32), shape [1, 2]; "b" of type 4 (int64), shape [1].
    private static readonly byte[] s_file =
    [
        2,
        1, (byte)'a', 6, 2, 1, 2, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0,
        1, (byte)'b', 4, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0,
    ];

    private static byte[] Saved(Module module)
    {
        using var stream = new MemoryStream();
        module.save(stream);
        return stream.ToArray();
    }

    private static void Load(Module module, byte[] file, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loaded = null)
    {
        using var stream = new MemoryStream(file);
        module.load(stream, strict, skip, loaded);
    }

    [Fact]
    public void File_IsByteForByteTheFormat()
    {
        using var module = new Small();

        Assert.Equal(s_file, Saved(module));
    }

    [Fact]
    public void LongNamesAndDimensions_AreLeb128()
    {
        var name = new string('n', 130);
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        Module.save_state_dict(writer, new Dictionary<string, Tensor> { [name] = zeros(300, 1, dtype: ScalarType.Float16) });
        writer.Flush();

        byte[] expected = [1, 0x82, 0x01, .. Encoding.UTF8.GetBytes(name), 5, 2, 0xAC, 0x02, 1, .. new byte[600]];
        Assert.Equal(expected, stream.ToArray());
    }

    [Theory]
    [InlineData(ScalarType.Int64, 4, 8)]
    [InlineData(ScalarType.Float16, 5, 2)]
    [InlineData(ScalarType.Float32, 6, 4)]
    [InlineData(ScalarType.Float64, 7, 8)]
    [InlineData(ScalarType.BFloat16, 15, 2)]
    public void ElementTypes_HaveLibtorchsCodes(ScalarType type, byte code, int size)
    {
        using var stream = new MemoryStream();
        zeros(3, dtype: type).Save(stream);

        Assert.Equal([code, 1, 3, .. new byte[3 * size]], stream.ToArray());
    }

    [Fact]
    public void StridedTensors_AreSavedInTheOrderOfTheirShape()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        Tensor transposed = arange(6, dtype: ScalarType.Float64).reshape(2, 3).transpose(0, 1);
        transposed.Save(writer);
        stream.Position = 0;

        Tensor loaded = TensorExtensionMethods.Load(new BinaryReader(stream));

        Assert.Equal([3L, 2L], loaded.shape);
        Numbers.Equal([0, 3, 1, 4, 2, 5], loaded);
    }

    [Fact]
    public void SaveAndLoad_RestoreEveryBit()
    {
        using var original = Sequential(Conv1d(3, 4, 3), GELU(), LayerNorm(5), Dropout(), Linear(5, 2));
        using var copy = Sequential(Conv1d(3, 4, 3), GELU(), LayerNorm(5), Dropout(), Linear(5, 2));

        Load(copy, Saved(original));

        foreach (var (name, value) in original.state_dict()) Assert.True(value.Equals(copy.state_dict()[name]), name);
    }

    [Fact]
    public void LoadedTensors_KeepTheirIdentity()
    {
        using var module = new Small();
        Parameter before = module.a;
        using (no_grad()) module.a.zero_();

        Load(module, s_file);

        Assert.Same(before, module.a);
        Numbers.Equal([1, -2], module.a);
    }

    [Fact]
    public void Skip_LeavesTensorsAlone_AndLoadedParametersTellWhatWasFound()
    {
        using var module = new Small();
        using (no_grad()) module.a.zero_();
        module.b.zero_();
        var loaded = new Dictionary<string, bool>();

        Load(module, s_file, skip: ["a"], loaded: loaded);

        Numbers.Equal([0, 0], module.a);
        Numbers.Equal([7], module.b);
        Assert.Equal(new Dictionary<string, bool> { ["a"] = true, ["b"] = true }, loaded);
    }

    [Fact]
    public void UnknownNames_ThrowWhenStrict_AndAreSkippedOtherwise()
    {
        byte[] file = [.. s_file];
        file[2] = (byte)'x';
        using var module = new Small();
        using (no_grad()) module.a.zero_();
        module.b.zero_();

        Assert.Throws<ArgumentException>(() => Load(module, file));

        var loaded = new Dictionary<string, bool>();
        Load(module, file, strict: false, loaded: loaded);
        Numbers.Equal([0, 0], module.a);
        Numbers.Equal([7], module.b);
        Assert.False(loaded["x"]);
    }

    [Fact]
    public void SaveSkip_LeavesEntriesOut()
    {
        using var module = new Small();
        using var stream = new MemoryStream();
        module.save(stream, skip: ["b"]);

        Assert.Equal([1, .. s_file[1..15]], stream.ToArray());
        Assert.Throws<ArgumentException>(() => Load(module, stream.ToArray()));
        Load(module, stream.ToArray(), strict: false);
    }

    [Fact]
    public void EveryTruncation_Throws()
    {
        using var module = new Small();
        for (int length = 0; length < s_file.Length; length++)
            Assert.ThrowsAny<IOException>(() => Load(module, s_file[..length]));
    }

    public static TheoryData<string, byte[]> HostileFiles => new()
    {
        { "more entries than the module has", [3, .. s_file[1..]] },
        { "a count of 70 bits", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1] },
        { "a negative count", [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1] },
        { "a name of 2 GB", [2, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, (byte)'a'] },
        { "the same name twice", [2, .. s_file[1..15], .. s_file[1..15]] },
        { "another element type", [2, 1, (byte)'a', 7, .. s_file[4..]] },
        { "an unknown element type", [2, 1, (byte)'a', 99, .. s_file[4..]] },
        { "another shape", [2, 1, (byte)'a', 6, 2, 2, 1, .. s_file[7..]] },
        { "a rank of 2^35", [2, 1, (byte)'a', 6, 0x80, 0x80, 0x80, 0x80, 0x80, 1, .. s_file[5..]] },
        { "a shape whose product overflows", [2, 1, (byte)'a', 6, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F] },
    };

    [Theory]
    [MemberData(nameof(HostileFiles))]
    public void HostileFile_IsRefusedWithoutHugeAllocation(string what, byte[] file)
    {
        using var module = new Small();
        long before = GC.GetAllocatedBytesForCurrentThread();

        Exception thrown = Assert.ThrowsAny<Exception>(() => Load(module, file));

        Assert.True(thrown is ArgumentException or IOException or FormatException or InvalidDataException, $"{what}: {thrown.GetType()} {thrown.Message}");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void TensorFileOfAnImpossibleLength_IsRefusedBeforeAllocating()
    {
        // float32 of 2^40 elements.
        byte[] file = [6, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1, 2, 3];

        Assert.Throws<EndOfStreamException>(() => TensorExtensionMethods.Load(new BinaryReader(new MemoryStream(file))));
        Assert.Throws<EndOfStreamException>(() => TensorExtensionMethods.Load(new BinaryReader(new MemoryStream([6, 1, 4, 1, 2, 3]))));
    }

    [Fact]
    public void LoadStateDict_CopiesTheValues()
    {
        using var source = Linear(3, 2);
        using var target = Linear(3, 2);

        target.load_state_dict(source.state_dict());

        Numbers.Equal(Numbers.Of(source.weight), target.weight);
        using (no_grad()) source.weight!.zero_();
        Assert.NotEqual(0, Numbers.Of(target.weight)[0]);
    }

    [Fact]
    public void LoadStateDict_ReportsMissingAndUnexpectedKeys()
    {
        using var target = Linear(3, 2);
        var source = new Dictionary<string, Tensor> { ["weight"] = zeros(2, 3), ["other"] = zeros(1) };

        Assert.Throws<InvalidOperationException>(() => target.load_state_dict(source));
        var (missing, unexpected) = target.load_state_dict(source, strict: false);
        Assert.Equal(["bias"], missing);
        Assert.Equal(["other"], unexpected);
        Numbers.Equal(new double[6], target.weight);

        var (missingWithSkip, unexpectedWithSkip) = target.load_state_dict(source, skip: ["bias", "other"]);
        Assert.Empty(missingWithSkip);
        Assert.Empty(unexpectedWithSkip);
    }

    [Fact]
    public void MissingFile_Throws()
    {
        using var module = new Small();

        Assert.Throws<FileNotFoundException>(() => module.load("/nowhere/at/all"));
    }
}
