using System.Buffers.Binary;
using System.Text;

namespace Maha.Samples.Data.JaneAusten;

/// <summary>
/// Reads the XDR form of R's serialize(), versions 2 and 3: vectors of strings, whole and real numbers and
/// truth values, lists and pairlists. Everything is big-endian.
/// </summary>
/// <remarks>
/// <code>
/// "X\n", int version, int writer's R version, int oldest R version, from version 3 on: int length, name of the encoding
/// item    = int flags (bits 0-7 type, 9 has attributes, 10 has a tag, 12-27 its level), then by type
///   254     NULL                                       0   NULL
///   255     an earlier symbol: its number in the flags above bit 8, or in an int when that is 0
///   1       symbol: item (its name)
///   2, 6    pairlist: [item attributes] [item tag] item value, item rest
///   9       string: int bytes (-1 is NA), the bytes; level bit 2 is Latin-1, otherwise UTF-8 or ASCII
///   10, 13  truth values, whole numbers: length, ints
///   14      real numbers: length, doubles
///   16, 19  strings, list: length, items
///   after a vector, when it has attributes: item, a pairlist
/// length  = int, or -1 and then two ints, the high one first
/// </code>
/// Closures, environments and the like are not data, and are refused.
/// </remarks>
public sealed class RSerialization
{
    // Deeper nesting than any data set has: a damaged file must not overflow the stack.
    private const int MaxDepth = 100;

    private readonly byte[] _data;
    private readonly List<string?> _symbols = [];
    private int _position;

    private RSerialization(byte[] data) => _data = data;

    /// <summary>Reads one object.</summary>
    /// <returns>As in <see cref="RList.Items"/>.</returns>
    /// <exception cref="InvalidDataException">The bytes are damaged, or hold something other than data.</exception>
    public static object? Read(byte[] data)
    {
        var reader = new RSerialization(data);
        if (data.Length < 2 || data[0] != 'X' || data[1] != '\n')
            throw new InvalidDataException("R's XDR form must start with 'X' and a line feed, but these bytes do not.");

        reader._position = 2;
        int version = reader.ReadInt();
        if (version is not (2 or 3))
            throw new InvalidDataException($"R's serialization must be of version 2 or 3, but is {version}.");
        reader.Skip(8);
        if (version == 3)
            reader.Skip(reader.ReadInt());
        return reader.ReadItem(0);
    }

    private object? ReadItem(int depth)
    {
        if (depth > MaxDepth)
            throw Damaged($"lists must be nested at most {MaxDepth} deep");

        uint flags = (uint)ReadInt();
        bool hasAttributes = (flags & 0x200) != 0;
        switch (flags & 0xFF)
        {
            case 0 or 254:
                return null;
            case 255:
                return ReadSymbolReference(flags >> 8);
            case 1:
                string? symbol = ReadItem(depth + 1) as string;
                _symbols.Add(symbol);
                return symbol;
            case 2 or 6:
                return ReadPairs(flags, depth);
            case 9:
                return ReadString(flags);
            case 10 or 13:
                int[] ints = new int[ReadLength(4)];
                for (int i = 0; i < ints.Length; i++)
                    ints[i] = ReadInt();
                return WithNames(ints, hasAttributes, depth);
            case 14:
                double[] doubles = new double[ReadLength(8)];
                for (int i = 0; i < doubles.Length; i++)
                    doubles[i] = BinaryPrimitives.ReadDoubleBigEndian(Take(8));
                return WithNames(doubles, hasAttributes, depth);
            case 16:
                string?[] strings = new string?[ReadLength(4)];
                for (int i = 0; i < strings.Length; i++)
                    strings[i] = ReadItem(depth + 1) as string;
                return WithNames(strings, hasAttributes, depth);
            case 19:
                object?[] items = new object?[ReadLength(4)];
                for (int i = 0; i < items.Length; i++)
                    items[i] = ReadItem(depth + 1);
                return WithNames(items, hasAttributes, depth);
            default:
                throw Damaged($"an object must be a vector, a list or NULL, but its type is {flags & 0xFF}");
        }
    }

    // Of a vector's attributes only the names of a list matter here.
    private object WithNames(Array vector, bool hasAttributes, int depth)
    {
        var attributes = hasAttributes ? ReadItem(depth + 1) as RList : null;
        return vector is object?[] items and not string?[]? new RList(items, attributes?["names"] as string?[])
            : vector;
    }

    private RList ReadPairs(uint flags, int depth)
    {
        var items = new List<object?>();
        var names = new List<string?>();
        while ((flags & 0xFF) is 2 or 6)
        {
            if ((flags & 0x200) != 0)
                ReadItem(depth + 1);
            names.Add((flags & 0x400) != 0 ? ReadItem(depth + 1) as string : null);
            items.Add(ReadItem(depth + 1));
            flags = (uint)ReadInt();
        }

        if ((flags & 0xFF) is not (0 or 254))
            throw Damaged($"a pairlist must end with NULL, but ends with type {flags & 0xFF}");
        return new RList(items, names);
    }

    private string? ReadSymbolReference(uint number)
    {
        long index = number != 0 ? number : ReadInt();
        return index >= 1 && index <= _symbols.Count
            ? _symbols[(int)index - 1]
            : throw Damaged($"a reference must name one of the {_symbols.Count} symbols so far, but names number {index}");
    }

    private string? ReadString(uint flags)
    {
        int length = ReadInt();
        if (length == -1)
            return null;
        bool isLatin1 = (flags >> 12 & 4) != 0;
        return (isLatin1 ? Encoding.Latin1 : Encoding.UTF8).GetString(Take(length));
    }

    // Checked against the bytes that are left, so that a damaged length can't ask for all memory.
    private int ReadLength(int bytesEach)
    {
        long length = ReadInt();
        if (length == -1)
            length = ((long)ReadInt() << 32) + (uint)ReadInt();
        long left = (_data.Length - _position) / bytesEach;
        return length >= 0 && length <= left
            ? (int)length
            : throw Damaged($"a vector must fit the bytes that are left, at most {left} items, but has {length}");
    }

    private int ReadInt() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    private void Skip(int count) => Take(count);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > _data.Length - _position)
            throw Damaged($"{count} bytes must follow, but {_data.Length - _position} are left");
        var span = _data.AsSpan(_position, count);
        _position += count;
        return span;
    }

    private InvalidDataException Damaged(string rule) => new($"The R object is damaged or no data at byte {_position}: {rule}.");
}
