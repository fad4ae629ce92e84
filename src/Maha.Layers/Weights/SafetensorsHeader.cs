using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Maha.Layers.Core;

namespace Maha.Layers.Weights;

/// <summary>
/// The header of a safetensors file, checked in full before anything is allocated for a tensor.
/// </summary>
/// <remarks>
/// Layout: 8 bytes, little endian, the length L of the header; L bytes of JSON in UTF-8, one object of
/// name -&gt; {"dtype", "shape", "data_offsets": [begin, end]}, with text pairs under "__metadata__"; then the bytes of the tensors.
/// The tensors fill what follows the header without gap and without overlap.
/// </remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>The most bytes of a header; the reference implementation has the same bound.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    /// <summary>The key of the text pairs; no tensor may be called so.</summary>
    public const string MetadataKey = "__metadata__";

    // libtorch keeps up to 64 dimensions in its iterators.
    private const int MaxRank = 64;
    private const int LengthBytes = 8;

    private SafetensorsHeader(List<SafetensorsEntry> entries, Dictionary<string, string> metadata, long dataBytes)
    {
        Entries = entries;
        Metadata = metadata;
        DataBytes = dataBytes;
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The text pairs.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>How many bytes follow the header.</summary>
    public long DataBytes { get; }

    /// <summary>Reads and checks the header; the stream then stands at the first byte of the tensors.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="available">The bytes from here to the end of the file; null where the stream can't tell.</param>
    /// <exception cref="WeightFileException">The header is not valid.</exception>
    public static SafetensorsHeader Read(Stream stream, long? available)
    {
        Span<byte> prefix = stackalloc byte[LengthBytes];
        if (stream.ReadAtLeast(prefix, LengthBytes, throwOnEndOfStream: false) < LengthBytes)
            throw new WeightFileException($"A safetensors file must begin with {LengthBytes} bytes of header length, but it is shorter. It is empty or cut off: copy it again.");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length < 2 || length > MaxHeaderBytes)
            throw new WeightFileException($"The header of a safetensors file must have from 2 to {MaxHeaderBytes} bytes, but the file says {length}. This is no safetensors file, or it is damaged.");
        if (available is { } total && (long)length > total - LengthBytes)
            throw new WeightFileException($"The header must end inside the file, but it has {length} bytes and {total - LengthBytes} follow its length. The file is cut off: copy it again.");
        byte[] json = ReadBlock(stream, (int)length);
        var header = Parse(json);
        if (available is { } all && all - LengthBytes - (long)length != header.DataBytes)
            throw new WeightFileException($"The tensors must fill the file to its end, but the header promises {header.DataBytes} bytes and {all - LengthBytes - (long)length} follow it. The file is cut off, or something was appended.");
        return header;
    }

    /// <summary>Parses the JSON of a header and checks the entries against each other.</summary>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json)
    {
        if (json[0] != (byte)'{')
            throw new WeightFileException($"The header of a safetensors file must begin with '{{', but begins with the byte {json[0]}. This is no safetensors file.");
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
            // How the JSON reader reports text that is no UTF-8 and half surrogate pairs.
            throw new WeightFileException($"The text in a header must be valid Unicode, but is not: {cause.Message}", cause);
        }
        return new SafetensorsHeader(entries, metadata, CheckOffsets(entries));
    }

    private static void ParseObject(ReadOnlySpan<byte> json, List<SafetensorsEntry> entries, Dictionary<string, string> metadata)
    {
        var reader = new Utf8JsonReader(json);
        var names = new HashSet<string>();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = Text(ref reader);
            if (!names.Add(name))
                throw new WeightFileException($"A name may occur once in a header, but {Quote(name)} occurs twice. The file is damaged, or made to be read in two ways.");
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
        Expect(ref reader, JsonTokenType.StartObject, MetadataKey, "an object of text pairs");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader);
            reader.Read();
            Expect(ref reader, JsonTokenType.String, MetadataKey, "an object of text pairs");
            if (!metadata.TryAdd(key, Text(ref reader)))
                throw new WeightFileException($"A key may occur once in {MetadataKey}, but {Quote(key)} occurs twice.");
        }
    }

    private static SafetensorsEntry ParseEntry(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartObject, name, "an object with dtype, shape and data_offsets");
        string? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = Text(ref reader);
            reader.Read();
            switch (field)
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String, name, "a dtype of text");
                    type = Text(ref reader);
                    break;
                case "shape" when shape is null:
                    shape = Numbers(ref reader, name, field, MaxRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = Numbers(ref reader, name, field, 2);
                    break;
                default:
                    throw new WeightFileException($"A tensor must have dtype, shape and data_offsets once each and nothing else, but {Quote(name)} has another {Quote(field)}.");
            }
        }
        if (type is null || shape is null || offsets is not { Count: 2 })
            throw new WeightFileException($"A tensor must have dtype, shape and two data_offsets, but {Quote(name)} lacks one of them.");
        return Entry(name, type, shape, offsets[0], offsets[1]);
    }

    private static SafetensorsEntry Entry(string name, string type, List<long> shape, long begin, long end)
    {
        if (SafetensorsTypes.Find(type) is not { } known)
            throw new WeightFileException($"The dtype of a tensor must be one of {SafetensorsTypes.Names}, but that of {Quote(name)} is {Quote(type)}. Convert the tensor before saving.");
        // Zeros count as ones here: strides are products of the other dimensions and must not overflow either.
        Int128 elements = 1, bound = known.Size;
        foreach (long dimension in shape)
        {
            elements *= dimension;
            bound *= Math.Max(1, dimension);
            if (bound > long.MaxValue)
                throw new WeightFileException($"A tensor must have fewer than 2^63 bytes, but {Quote(name)} has the shape {TensorChecks.Show(shape.ToArray())}. The file is damaged.");
        }
        long bytes = (long)(elements * known.Size);
        if (end < begin || end - begin != bytes)
            throw new WeightFileException($"The offsets of a tensor must span its elements, but {Quote(name)} of {type} {TensorChecks.Show(shape.ToArray())} needs {bytes} bytes and its data_offsets are [{begin}, {end}].");
        return new SafetensorsEntry(name, known.Type, shape, begin, bytes);
    }

    /// <summary>Sorts the entries by offset and checks that they fill their bytes without gap and overlap. Returns how many bytes that are.</summary>
    private static long CheckOffsets(List<SafetensorsEntry> entries)
    {
        entries.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset)
            : a.ByteCount != b.ByteCount ? a.ByteCount.CompareTo(b.ByteCount) : string.CompareOrdinal(a.Name, b.Name));
        long next = 0;
        foreach (var entry in entries)
        {
            if (entry.Offset != next)
                throw new WeightFileException($"The tensors must follow each other without gap and overlap, but {Quote(entry.Name)} begins at byte {entry.Offset} where {next} is due. The file is damaged.");
            next += entry.ByteCount; // offset + count = an offset that was read as a long: no overflow
        }
        return next;
    }

    private static List<long> Numbers(ref Utf8JsonReader reader, string name, string field, int most)
    {
        Expect(ref reader, JsonTokenType.StartArray, name, $"{field} as an array of numbers");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
                throw new WeightFileException($"The numbers of {field} must be whole, not negative and below 2^63, but those of {Quote(name)} are not.");
            if (numbers.Count == most)
                throw new WeightFileException($"The array {field} may hold at most {most} numbers, but that of {Quote(name)} holds more.");
            numbers.Add(number);
        }
        return numbers;
    }

    private static string Text(ref Utf8JsonReader reader)
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

    /// <summary>A name for a message: in quotes, without control characters, cut where it is long.</summary>
    public static string Quote(string name)
    {
        var text = new StringBuilder("'");
        foreach (char c in name.AsSpan(0, Math.Min(name.Length, 100)))
            text.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return text.Append(name.Length > 100 ? "...'" : "'").ToString();
    }

    /// <summary>Reads exactly so many bytes, allocating no faster than they come.</summary>
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
