using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Maha.Layers.Core;

namespace Maha.Layers.Weights;

/// <summary>
/// The header of a safetensors file, checked completely before a tensor is allocated.
/// </summary>
/// <remarks>
/// The layout of a file is: the length L of the header, 8 bytes, little endian; then L bytes of JSON in UTF-8, one object of
/// name -&gt; {"dtype", "shape", "data_offsets": [begin, end]}, with key-value pairs of text under "__metadata__"; then the bytes of the
/// tensors, which fill the rest of the file without gaps and overlaps.
/// </remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>The maximum number of bytes of a header, as in the reference implementation.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    /// <summary>The key of the metadata, which is not allowed as the name of a tensor.</summary>
    public const string MetadataKey = "__metadata__";

    // The iterators of libtorch support at most 64 dimensions.
    private const int MaxRank = 64;
    private const int LengthBytes = 8;

    private SafetensorsHeader(List<SafetensorsEntry> entries, Dictionary<string, string> metadata, string[]? checksums, long dataBytes)
    {
        Checksums = checksums;
        Entries = entries;
        Metadata = metadata;
        DataBytes = dataBytes;
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The metadata: key-value pairs of text.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The SHA-256 of each tensor in hexadecimal digits, in the order of <see cref="Entries"/>; null where the file has none.</summary>
    public IReadOnlyList<string>? Checksums { get; }

    /// <summary>The number of bytes after the header.</summary>
    public long DataBytes { get; }

    /// <summary>Reads and checks the header. Afterwards the stream is at the first byte of the tensors.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="available">The number of bytes from here to the end of the file; null where the stream does not know its length.</param>
    /// <exception cref="WeightFileException">The header is not valid.</exception>
    public static SafetensorsHeader Read(Stream stream, long? available)
    {
        Span<byte> prefix = stackalloc byte[LengthBytes];
        if (stream.ReadAtLeast(prefix, LengthBytes, throwOnEndOfStream: false) < LengthBytes)
        {
            throw new WeightFileException(
                $"A safetensors file must begin with {LengthBytes} bytes of header length, but is shorter. It is empty or cut off: copy it again.");
        }
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length < 2 || length > MaxHeaderBytes)
        {
            throw new WeightFileException(
                $"The header of a safetensors file must have from 2 to {MaxHeaderBytes} bytes, but the file states {length}. " +
                "This is not a safetensors file, or it is damaged.");
        }
        if (available is { } total && (long)length > total - LengthBytes)
        {
            throw new WeightFileException(
                $"The header must end inside the file, but it has {length} bytes and {total - LengthBytes} follow its length. " +
                "The file is cut off: copy it again.");
        }
        byte[] json = ReadBlock(stream, (int)length);
        var header = Parse(json);
        if (available is { } all && all - LengthBytes - (long)length != header.DataBytes)
        {
            throw new WeightFileException(
                $"The tensors must fill the file to its end, but the header promises {header.DataBytes} bytes and " +
                $"{all - LengthBytes - (long)length} follow it. The file is cut off, or data was appended: copy it again.");
        }
        return header;
    }

    /// <summary>Parses the JSON of a header and checks the entries.</summary>
    /// <exception cref="WeightFileException">The header is not valid.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json)
    {
        if (json[0] != (byte)'{')
        {
            throw new WeightFileException(
                $"The header of a safetensors file must begin with '{{', but begins with the byte {json[0]}. This is not a safetensors file.");
        }
        var entries = new List<SafetensorsEntry>();
        var metadata = new Dictionary<string, string>();
        try
        {
            ParseObject(json, entries, metadata);
        }
        catch (JsonException cause)
        {
            throw new WeightFileException($"The header of a safetensors file must be JSON, but is not: {cause.Message}", cause);
        }
        catch (InvalidOperationException cause)
        {
            // The JSON reader reports text that is not UTF-8, and unpaired surrogates, by this exception.
            throw new WeightFileException($"The text in a header must be valid Unicode, but is not: {cause.Message}", cause);
        }
        long dataBytes = CheckOffsets(entries);
        return new SafetensorsHeader(entries, metadata, SafetensorsChecksums.Verify(json, metadata, entries.Count), dataBytes);
    }

    private static void ParseObject(ReadOnlySpan<byte> json, List<SafetensorsEntry> entries, Dictionary<string, string> metadata)
    {
        var reader = new Utf8JsonReader(json);
        var names = new HashSet<string>();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = ReadText(ref reader);
            if (!names.Add(name))
            {
                throw new WeightFileException(
                    $"A name must occur once in a header, but {Quote(name)} occurs twice. The file is damaged, or made to deceive a reader.");
            }
            reader.Read();
            if (name == MetadataKey)
                ParseMetadata(ref reader, metadata);
            else
                entries.Add(ParseEntry(ref reader, name));
        }
        while (reader.Read())
        {
        }
    }

    private static void ParseMetadata(ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        Expect(ref reader, JsonTokenType.StartObject, MetadataKey, "an object of key-value pairs of text");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = ReadText(ref reader);
            reader.Read();
            Expect(ref reader, JsonTokenType.String, MetadataKey, "an object of key-value pairs of text");
            if (!metadata.TryAdd(key, ReadText(ref reader)))
                throw new WeightFileException($"A key must occur once in {MetadataKey}, but {Quote(key)} occurs twice.");
        }
    }

    private static SafetensorsEntry ParseEntry(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartObject, name, "an object with dtype, shape and data_offsets");
        string? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = ReadText(ref reader);
            reader.Read();
            switch (field)
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String, name, "a dtype of text");
                    type = ReadText(ref reader);
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, name, field, MaxRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, name, field, 2);
                    break;
                default:
                    throw new WeightFileException(
                        $"A tensor must have dtype, shape and data_offsets once each and nothing else, but {Quote(name)} has another {Quote(field)}.");
            }
        }
        if (type is null || shape is null || offsets is not { Count: 2 })
            throw new WeightFileException($"A tensor must have dtype, shape and two data_offsets, but {Quote(name)} lacks one of them.");
        return CreateEntry(name, type, shape, offsets[0], offsets[1]);
    }

    private static SafetensorsEntry CreateEntry(string name, string type, List<long> shape, long begin, long end)
    {
        if (SafetensorsTypes.Find(type) is not { } known)
        {
            throw new WeightFileException(
                $"The dtype of a tensor must be one of {SafetensorsTypes.Names}, but that of {Quote(name)} is {Quote(type)}. " +
                "Convert the tensor before it is saved.");
        }
        // In the bound a zero counts as one: strides are products of the other dimensions and must not overflow either.
        Int128 elements = 1, bound = known.Size;
        foreach (long dimension in shape)
        {
            elements *= dimension;
            bound *= Math.Max(1, dimension);
            if (bound > long.MaxValue)
            {
                throw new WeightFileException(
                    $"A tensor must have fewer than 2^63 bytes, but {Quote(name)} has the shape {TensorChecks.Show(shape.ToArray())}. The file is damaged.");
            }
        }
        long bytes = (long)(elements * known.Size);
        if (end < begin || end - begin != bytes)
        {
            throw new WeightFileException(
                $"The offsets of a tensor must span its elements, but {Quote(name)} of {type} {TensorChecks.Show(shape.ToArray())} needs " +
                $"{bytes} bytes and its data_offsets are [{begin}, {end}]. The file is damaged.");
        }
        return new SafetensorsEntry(name, known.Type, shape, begin, bytes);
    }

    /// <summary>Sorts the entries by offset, checks that there are no gaps and overlaps, and returns the number of bytes of all tensors.</summary>
    private static long CheckOffsets(List<SafetensorsEntry> entries)
    {
        entries.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset)
            : a.ByteCount != b.ByteCount ? a.ByteCount.CompareTo(b.ByteCount) : string.CompareOrdinal(a.Name, b.Name));
        long next = 0;
        foreach (var entry in entries)
        {
            if (entry.Offset != next)
            {
                throw new WeightFileException(
                    $"The tensors must follow each other without gaps and overlaps, but {Quote(entry.Name)} begins at byte {entry.Offset} " +
                    $"instead of {next}. The file is damaged.");
            }
            next += entry.ByteCount; // no overflow: the sum is an offset that was read as a long
        }
        return next;
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, string name, string field, int maxCount)
    {
        Expect(ref reader, JsonTokenType.StartArray, name, $"{field} as an array of numbers");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
            {
                throw new WeightFileException(
                    $"The numbers of {field} must be integers from 0 to 2^63 - 1, but those of {Quote(name)} are not. The file is damaged.");
            }
            if (numbers.Count == maxCount)
                throw new WeightFileException($"The array {field} must hold at most {maxCount} numbers, but that of {Quote(name)} holds more.");
            numbers.Add(number);
        }
        return numbers;
    }

    private static string ReadText(ref Utf8JsonReader reader)
    {
        string text = reader.GetString()!;
        if (text.Contains('\0'))
            throw new WeightFileException($"The text in a header must not contain the character NUL, but {Quote(text)} does.");
        return text;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string name, string what)
    {
        if (reader.TokenType != type)
            throw new WeightFileException($"The header must hold {what} under {Quote(name)}, but holds {reader.TokenType}.");
    }

    /// <summary>Formats a name for a message: in quotes, without control characters, shortened where it is long.</summary>
    public static string Quote(string name)
    {
        var text = new StringBuilder("'");
        foreach (char c in name.AsSpan(0, Math.Min(name.Length, 100)))
            text.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return text.Append(name.Length > 100 ? "...'" : "'").ToString();
    }

    /// <summary>Reads a number of bytes. Memory grows with the bytes that have been read, not with the number that the file states.</summary>
    private static byte[] ReadBlock(Stream stream, int count)
    {
        byte[] block = new byte[Math.Min(count, 1 << 16)];
        int filled = 0;
        while (true)
        {
            filled += stream.ReadAtLeast(block.AsSpan(filled), block.Length - filled, throwOnEndOfStream: false);
            if (filled < block.Length)
                throw new WeightFileException($"The header must have {count} bytes, but the file ends after {filled}. It is cut off: copy it again.");
            if (filled == count)
                return block;
            Array.Resize(ref block, (int)Math.Min(count, 2L * block.Length));
        }
    }
}
