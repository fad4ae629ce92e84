using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Maha.Samples.Tests.JaneAusten;

/// <summary>Writes R's XDR form and lazy-load files, for tests.</summary>
internal sealed class RWriter
{
    public const int HasAttributes = 0x200, HasTag = 0x400, Utf8 = 8 << 12, Latin1 = 4 << 12;

    private readonly MemoryStream _stream = new();

    public RWriter(int version = 3)
    {
        _stream.Write("X\n"u8);
        Int(version).Int(0x040201).Int(0x030500);
        if (version == 3)
            Int(5).Bytes("UTF-8"u8);
    }

    public byte[] ToArray() => _stream.ToArray();

    public RWriter Int(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return Bytes(bytes);
    }

    public RWriter Double(double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        return Bytes(bytes);
    }

    public RWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        return this;
    }

    public RWriter Null() => Int(254);

    public RWriter Char(string? text, int encoding = Utf8)
    {
        if (text is null)
            return Int(9).Int(-1);
        byte[] bytes = (encoding == Latin1 ? Encoding.Latin1 : Encoding.UTF8).GetBytes(text);
        return Int(9 | encoding).Int(bytes.Length).Bytes(bytes);
    }

    public RWriter Strings(params string?[] strings)
    {
        Int(16).Int(strings.Length);
        foreach (string? text in strings)
            Char(text);
        return this;
    }

    public RWriter Ints(params int[] values)
    {
        Int(13).Int(values.Length);
        foreach (int value in values)
            Int(value);
        return this;
    }

    /// <summary>Follows a vector's items: the pairlist that names them. The symbol "names" is number one of a file.</summary>
    public RWriter Names(bool first, params string[] names)
    {
        Int(2 | HasTag);
        if (first)
            Int(1).Char("names");
        else
            Int(1 << 8 | 255);
        return Strings(names).Null();
    }

    /// <summary>Writes NAME.rdb and NAME.rdx with each data set packed by its letter.</summary>
    public static void WriteDatabase(string path, int compression, params (string Name, char Packing, byte[] Data)[] sets)
    {
        using var rdb = File.Create(path + ".rdb");
        var places = new RWriter();
        places.Int(19 | HasAttributes).Int(3);
        places.Int(19 | HasAttributes).Int(sets.Length);
        foreach (var (_, packing, data) in sets)
        {
            byte[] entry = Pack(compression, packing, data);
            places.Ints((int)rdb.Position, entry.Length);
            rdb.Write(entry);
        }

        places.Names(true, sets.Select(set => set.Name).ToArray());
        places.Int(19).Int(0);
        if (compression <= 1)
            places.Int(10).Int(1).Int(compression);
        else
            places.Ints(compression);
        places.Names(false, "variables", "references", "compressed");

        using var rdx = new GZipStream(File.Create(path + ".rdx"), CompressionLevel.Fastest);
        rdx.Write(places.ToArray());
    }

    private static byte[] Pack(int compression, char packing, byte[] data)
    {
        if (compression == 0)
            return data;
        using var entry = new MemoryStream();
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        entry.Write(length);
        if (compression > 1)
            entry.WriteByte((byte)packing);
        if (packing == '1')
        {
            using var zlib = new ZLibStream(entry, CompressionLevel.Fastest, leaveOpen: true);
            zlib.Write(data);
        }
        else
        {
            entry.Write(data);
        }

        return entry.ToArray();
    }
}
