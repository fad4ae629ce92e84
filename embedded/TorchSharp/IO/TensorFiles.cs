using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp;

public static partial class TensorExtensionMethods
{
    // libtorch itself takes more dimensions; no tensor of ours has more than a handful.
    private const int MaximumRank = 64;

    public static Parameter AsParameter(this Tensor tensor) => new(tensor);

    // *** Binary format *** : element type, rank, dimensions (LEB128), then the elements, little-endian, last dimension fastest.
    public static void Save(this Tensor tensor, BinaryWriter writer)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var plain = tensor.device_type == DeviceType.CPU ? tensor : tensor.cpu();
        plain = plain.is_contiguous() ? plain : plain.contiguous();
        writer.Encode((long)plain.dtype);
        var shape = plain.shape;
        writer.Encode(shape.Length);
        foreach (var size in shape) writer.Encode(size);
        plain.WriteBytesToStream(writer.BaseStream);
    }

    public static void Save(this Tensor tensor, Stream stream)
    {
        using var writer = new BinaryWriter(stream);
        tensor.Save(writer);
    }

    public static void Save(this Tensor tensor, string location)
    {
        using var stream = File.Create(location);
        tensor.Save(stream);
    }

    public static void Load(this Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var (type, shape) = ReadHeader(reader);
        if (type != tensor.dtype)
            throw new ArgumentException("Mismatched tensor data types while loading. Make sure that the model you are loading into is exactly the same as the origin."
                + $" Expected {tensor.dtype}, but found {type}.");
        if (skip) SkipBytes(reader, type, shape);
        else Fill(tensor, reader, shape);
    }

    public static Tensor Load(BinaryReader reader, bool skip = false)
    {
        Tensor tensor = null;
        Load(ref tensor, reader, skip);
        return tensor;
    }

    public static void Load(ref Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var (type, shape) = ReadHeader(reader);
        // A file must not make us allocate what it does not hold.
        if (tensor is null && !skip) CheckLength(reader, ByteCount(type, shape), shape);
        var target = tensor ?? (skip ? zeros(shape, dtype: type) : empty(shape, dtype: type));
        if (skip) SkipBytes(reader, type, shape);
        else Fill(target, reader, shape);
        tensor = target;
    }

    internal static void Skip(BinaryReader reader)
    {
        var (type, shape) = ReadHeader(reader);
        SkipBytes(reader, type, shape);
    }

    private static (ScalarType type, long[] shape) ReadHeader(BinaryReader reader)
    {
        long code = reader.Decode();
        if (code > sbyte.MaxValue || !Enum.IsDefined((ScalarType)code))
            throw new InvalidDataException($"The file holds a tensor of element type {code}, which is none of TorchSharp's.");
        long rank = reader.Decode();
        if (rank > MaximumRank)
            throw new InvalidDataException($"The file holds a tensor with {rank} dimensions, at most {MaximumRank} can be: the file is damaged.");
        var shape = new long[rank];
        for (int i = 0; i < shape.Length; i++) shape[i] = reader.Decode();
        ByteCount((ScalarType)code, shape);
        return ((ScalarType)code, shape);
    }

    private static long ByteCount(ScalarType type, long[] shape)
    {
        if (shape.Contains(0)) return 0;
        try
        {
            long bytes = type.ElementSize();
            foreach (var size in shape) bytes = checked(bytes * size);
            return bytes;
        }
        catch (OverflowException e)
        {
            throw new InvalidDataException($"The file holds a tensor of shape [{string.Join(", ", shape)}], more than any file can: the file is damaged.", e);
        }
    }

    private static void CheckLength(BinaryReader reader, long bytes, long[] shape)
    {
        var stream = reader.BaseStream;
        if (stream.CanSeek && stream.Length - stream.Position < bytes)
            throw new EndOfStreamException($"A tensor of shape [{string.Join(", ", shape)}] needs {bytes} bytes, but the file has {stream.Length - stream.Position} left.");
    }

    private static void SkipBytes(BinaryReader reader, ScalarType type, long[] shape)
    {
        long bytes = ByteCount(type, shape);
        CheckLength(reader, bytes, shape);
        if (reader.BaseStream.CanSeek)
        {
            reader.BaseStream.Seek(bytes, SeekOrigin.Current);
            return;
        }
        var buffer = new byte[4096];
        while (bytes > 0)
        {
            int read = reader.BaseStream.Read(buffer, 0, (int)Math.Min(bytes, buffer.Length));
            if (read == 0) throw new EndOfStreamException();
            bytes -= read;
        }
    }

    private static void Fill(Tensor tensor, BinaryReader reader, long[] shape)
    {
        if (!shape.AsSpan().SequenceEqual(tensor.shape))
            throw new ArgumentException("Mismatched tensor shape while loading. Make sure that the model you are loading into is exactly the same as the origin."
                + $" Expected [{string.Join(", ", tensor.shape)}], but found [{string.Join(", ", shape)}].");
        CheckLength(reader, ByteCount(tensor.dtype, shape), shape);
        using var guard = no_grad();
        if (tensor.device_type == DeviceType.CPU && tensor.is_contiguous())
        {
            tensor.ReadBytesFromStream(reader.BaseStream);
            return;
        }
        using var plain = empty(shape, dtype: tensor.dtype, device: CPU);
        plain.ReadBytesFromStream(reader.BaseStream);
        tensor.copy_(plain);
    }
}
