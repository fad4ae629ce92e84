using System.Buffers.Binary;
using System.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Weights;

/// <summary>Creates safetensors files from parts, and streams that behave like network streams.</summary>
internal static class SafetensorsFiles
{
    public static readonly ScalarType[] Types =
    [
        ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
        ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
    ];

    /// <summary>Creates a file of a header and a number of data bytes, which are 0 and 1.</summary>
    public static byte[] WithHeader(string json, int dataBytes) => WithHeader(Encoding.UTF8.GetBytes(json), dataBytes);

    public static byte[] WithHeader(byte[] json, int dataBytes)
    {
        byte[] file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)json.Length);
        json.CopyTo(file, 8);
        for (int i = 8 + json.Length; i < file.Length; i++)
            file[i] = (byte)(i & 1);
        return file;
    }

    /// <summary>One tensor of every type, a scalar and an empty one.</summary>
    public static Dictionary<string, Tensor> OfEveryType()
    {
        var tensors = new Dictionary<string, Tensor> { ["scalar"] = tensor(1.5), ["empty"] = zeros(0, 3) };
        foreach (var type in Types)
            tensors[$"of {type}"] = TestTensors.Random((int)type, 3, 5).abs().to(type);
        return tensors;
    }

    /// <summary>A stream that can't seek and returns few bytes at a time.</summary>
    public sealed class Trickle(byte[] content) : Stream
    {
        private readonly MemoryStream _inner = new(content);

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override int Read(byte[] buffer, int offset, int count) => _inner.Read(buffer, offset, Math.Min(count, 7));
        public override int Read(Span<byte> buffer) => _inner.Read(buffer[..Math.Min(buffer.Length, 7)]);
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
