using System.IO.Compression;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// A schema as ML.NET keeps it: a binary data file (.idv) without rows. 256 bytes header, the annotations of each column
// (their values, then a table that says where each is), a table with name, codec and places of each column, the tail signature.
internal static class SchemaFile
{
    private const int HeaderSize = 256;
    private const ulong Signature = 0x00425644004C4D43;
    private const ulong TailSignature = 0x434D4C0044564200;
    private const ulong Version = 0x0001000100010006;
    private const ulong FirstVersion = 0x0001000100010004;
    private const byte Uncompressed = 0;
    private const byte Deflate = 1;

    // Columns of types without a codec are left out.
    public static void Write(Stream stream, DataViewSchema schema)
    {
        long start = stream.Position;
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(new byte[HeaderSize]);
        (DataViewSchema.Column Column, ValueCodec Codec)[] columns = [.. schema.Select(c => (c, ValueCodec.Of(c.Type))).Where(p => p.Item2 != null)];
        long lookup = stream.Position - start;
        long[] annotations = [.. columns.Select(p => WriteAnnotations(writer, start, p.Column.Annotations))];
        long table = stream.Position - start;
        foreach (((DataViewSchema.Column column, ValueCodec codec), long annotationTable) in columns.Zip(annotations))
        {
            writer.Write(column.Name);
            codec.WriteDescription(writer);
            writer.Write(Deflate);
            writer.Write7BitEncodedInt(1);
            writer.Write(lookup);
            writer.Write(annotationTable);
        }
        long tail = stream.Position - start;
        writer.Write(TailSignature);
        writer.Flush();
        long end = stream.Position;
        stream.Position = start;
        writer.Write(Signature);
        writer.Write(Version);
        writer.Write(Version);
        writer.Write(table);
        writer.Write(tail);
        writer.Write(0L);
        writer.Write(columns.Length);
        writer.Flush();
        stream.Position = end;
    }

    private static long WriteAnnotations(BinaryWriter writer, long start, DataViewSchema.Annotations annotations)
    {
        var entries = new List<(DataViewSchema.Column Kind, ValueCodec Codec, byte Compression, long Offset, long Size)>();
        foreach (DataViewSchema.Column kind in annotations.Schema)
        {
            if (ValueCodec.Of(kind.Type) is not { } codec)
                continue;
            byte[] plain = (byte[])Generic.Invoke(WriteValue<int>, kind.Type.RawType, annotations, kind, codec);
            using var compressed = new MemoryStream();
            using (var deflate = new DeflateStream(compressed, CompressionMode.Compress, leaveOpen: true))
                deflate.Write(plain);
            bool compress = compressed.Length < plain.Length;
            byte[] bytes = compress ? compressed.ToArray() : plain;
            entries.Add((kind, codec, compress ? Deflate : Uncompressed, writer.BaseStream.Position - start, bytes.Length));
            writer.Write(bytes);
        }
        if (entries.Count == 0)
            return 0;
        long table = writer.BaseStream.Position - start;
        writer.Write7BitEncodedInt(entries.Count);
        foreach ((DataViewSchema.Column kind, ValueCodec codec, byte compression, long offset, long size) in entries)
        {
            writer.Write(kind.Name);
            codec.WriteDescription(writer);
            writer.Write(compression);
            writer.Write(offset);
            writer.Write7BitEncodedInt64(size);
        }
        return table;
    }

    private static byte[] WriteValue<T>(DataViewSchema.Annotations annotations, DataViewSchema.Column kind, ValueCodec codec)
    {
        T value = default;
        annotations.GetGetter<T>(kind)(ref value);
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
            ((ValueCodec<T>)codec).Write(writer, [value]);
        return bytes.ToArray();
    }

    public static DataViewSchema Read(Stream stream, IExceptionContext context)
    {
        try
        {
            return ReadCore(stream, context);
        }
        catch (Exception ex) when (ex is EndOfStreamException or InvalidDataException or ArgumentException or OverflowException or System.Reflection.TargetInvocationException)
        {
            throw context.ExceptDecode(ex, "The schema in the model file is corrupted. Save the model again.");
        }
    }

    private static DataViewSchema ReadCore(Stream stream, IExceptionContext context)
    {
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        context.CheckDecode(reader.ReadUInt64() == Signature, "This does not appear to be a binary dataview file");
        ulong version = reader.ReadUInt64();
        ulong compatible = reader.ReadUInt64();
        context.CheckDecode(compatible <= version, "Corrupt schema: its versions contradict each other.");
        context.Check(compatible is >= FirstVersion and <= Version, $"Cannot read version 0x{compatible:x16} of binary data: 0x{FirstVersion:x16} to 0x{Version:x16} can be read. Load it with the version of ML.NET that saved it.");
        long table = reader.ReadInt64();
        long tail = reader.ReadInt64();
        long rows = reader.ReadInt64();
        int count = reader.ReadInt32();
        context.CheckDecode(rows >= 0 && count >= 0 && tail >= HeaderSize && tail <= stream.Length - sizeof(ulong) && table >= HeaderSize && table <= tail, "Corrupt schema: the header's offsets don't fit the stream.");
        stream.Position = tail;
        context.CheckDecode(reader.ReadUInt64() == TailSignature, "Incorrect tail signature");
        stream.Position = table;
        var schema = new DataViewSchema.Builder();
        for (int i = 0; i < count; i++)
        {
            string name = reader.ReadString();
            ValueCodec codec = ValueCodec.ReadDescription(reader);
            reader.ReadByte();
            reader.Read7BitEncodedInt();
            reader.ReadInt64();
            long annotationTable = reader.ReadInt64();
            if (codec == null)
                continue;
            long next = stream.Position;
            context.CheckDecode(annotationTable == 0 || (annotationTable >= HeaderSize && annotationTable < tail), "Corrupt schema: annotations outside the file.");
            schema.AddColumn(name, codec.Type, annotationTable == 0 ? null : ReadAnnotations(reader, annotationTable, tail, context));
            stream.Position = next;
        }
        return schema.ToSchema();
    }

    private static DataViewSchema.Annotations ReadAnnotations(BinaryReader reader, long table, long tail, IExceptionContext context)
    {
        Stream stream = reader.BaseStream;
        stream.Position = table;
        int count = reader.Read7BitEncodedInt();
        var builder = new DataViewSchema.Annotations.Builder();
        for (int i = 0; i < count; i++)
        {
            string kind = reader.ReadString();
            ValueCodec codec = ValueCodec.ReadDescription(reader);
            byte compression = reader.ReadByte();
            long offset = reader.ReadInt64();
            long size = reader.Read7BitEncodedInt64();
            context.CheckDecode(offset >= HeaderSize && size > 0 && size <= tail - offset, "Corrupt schema: an annotation outside the file.");
            if (codec == null || compression > Deflate)
                continue;
            long next = stream.Position;
            stream.Position = offset;
            Stream block = new MemoryStream(reader.ReadBytes((int)size));
            if (compression == Deflate)
            {
                var plain = new MemoryStream();
                using (var inflate = new DeflateStream(block, CompressionMode.Decompress))
                    inflate.CopyTo(plain);
                plain.Position = 0;
                block = plain;
            }
            stream.Position = next;
            Generic.Invoke(AddAnnotation<int>, codec.Type.RawType, builder, kind, codec, block);
        }
        return builder.ToAnnotations();
    }

    private static object AddAnnotation<T>(DataViewSchema.Annotations.Builder builder, string kind, ValueCodec codec, Stream block)
    {
        using var reader = new BinaryReader(block, Encoding.UTF8);
        T value = ((ValueCodec<T>)codec).Read(reader, 1)[0];
        builder.Add(kind, codec.Type, (ref T dst) => dst = value);
        return null;
    }
}
