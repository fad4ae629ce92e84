using System.Text.Json;

namespace Maha.Layers.Text;

/// <summary>
/// The file format, version 1: one JSON object in UTF-8 with exactly these properties, in any order:
/// <code>
/// {
///   "format": "maha-byte-level-bpe", "version": 1,
///   "preTokenizer": "maha-words-64",
///   "vocabSize": 8192, "minFrequency": 2, "maxTokenLength": 64,      the options
///   "specialTokens": ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[BOS]", "[EOS]", ...],      ids 0 .. S-1
///   "merges": [[left, right], ...]      ids S+256, S+257, ...; ids S .. S+255 are the bytes
/// }
/// </code>
/// </summary>
internal static class TokenizerFile
{
    internal const int Version = 1;

    /// <summary>The largest vocabulary takes less than 20 MB. A longer stream is not a tokenizer and is refused before it fills the memory.</summary>
    internal const int MaxFileBytes = 64 << 20;

    private const string Format = "maha-byte-level-bpe";

    // Must change whenever WordScanner splits any text differently, since the merges depend on the words.
    private const string PreTokenizer = "maha-words-64";

    private static readonly string[] s_properties =
        ["format", "version", "preTokenizer", "vocabSize", "minFrequency", "maxTokenLength", "specialTokens", "merges"];

    internal static void Write(Stream stream, BpeVocabulary vocabulary, ByteLevelBpeTokenizerOptions options)
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteNumber("version", Version);
        json.WriteString("preTokenizer", PreTokenizer);
        json.WriteNumber("vocabSize", options.VocabSize);
        json.WriteNumber("minFrequency", options.MinFrequency);
        json.WriteNumber("maxTokenLength", options.MaxTokenLength);
        json.WriteStartArray("specialTokens");
        foreach (string name in vocabulary.SpecialTokens)
            json.WriteStringValue(name);

        json.WriteEndArray();
        json.WriteStartArray("merges");
        foreach (var merge in vocabulary.Merges)
        {
            json.WriteStartArray();
            json.WriteNumberValue(merge.Left);
            json.WriteNumberValue(merge.Right);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    internal static (BpeVocabulary Vocabulary, ByteLevelBpeTokenizerOptions Options) Read(Stream stream)
    {
        var content = ReadAll(stream);
        try
        {
            using var document = Parse(content);
            return Read(document.RootElement);
        }
        catch (InvalidOperationException e)
        {
            // Names and strings with invalid UTF-8 or with escaped lone surrogates throw only when they are read.
            throw Invalid($"all strings must be valid Unicode: {e.Message}", e);
        }
    }

    private static (BpeVocabulary Vocabulary, ByteLevelBpeTokenizerOptions Options) Read(JsonElement root)
    {
        CheckHeader(root);
        string[] specialTokens = ReadSpecialTokens(root.GetProperty("specialTokens"));
        var options = new ByteLevelBpeTokenizerOptions
        {
            VocabSize = (int)ReadInteger(root, "vocabSize", int.MaxValue),
            MinFrequency = ReadInteger(root, "minFrequency", long.MaxValue),
            MaxTokenLength = (int)ReadInteger(root, "maxTokenLength", int.MaxValue),
            AdditionalSpecialTokens = specialTokens[SpecialTokenNames.Fixed.Length..],
        };
        try
        {
            options.Validate();
        }
        catch (ArgumentException e)
        {
            throw Invalid(e.Message, e);
        }

        var merges = ReadMerges(root.GetProperty("merges"), specialTokens.Length, options);
        return (new BpeVocabulary(specialTokens, merges), options);
    }

    private static ReadOnlyMemory<byte> ReadAll(Stream stream)
    {
        using var content = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            content.Write(buffer, 0, read);
            if (content.Length > MaxFileBytes)
                throw Invalid($"a tokenizer file has at most {MaxFileBytes} bytes, but this stream has more");
        }

        return content.GetBuffer().AsMemory(0, (int)content.Length);
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> content)
    {
        if (content.IsEmpty)
            throw Invalid("the stream is empty");

        try
        {
            return JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 4, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            throw Invalid($"its {content.Length} bytes are not a complete JSON object (truncated or altered): {e.Message}", e);
        }
    }

    /// <summary>Checks format and version first, since they determine the other properties.</summary>
    private static void CheckHeader(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Invalid($"it must be a JSON object, but is {root.ValueKind}");

        string format = ReadString(root, "format");
        if (format != Format)
            throw Invalid($"\"format\" must be \"{Format}\", but is \"{format}\"");

        long version = ReadInteger(root, "version", long.MaxValue);
        if (version != Version)
        {
            throw Invalid(version > Version
                ? $"it has version {version}, but this library reads up to version {Version}. Use a newer library"
                : $"versions start at {Version}, but it has version {version}");
        }

        foreach (var property in root.EnumerateObject())
        {
            if (!s_properties.Contains(property.Name))
                throw Invalid($"version {Version} has no property \"{property.Name}\"; it has {string.Join(", ", s_properties)}");
        }

        string preTokenizer = ReadString(root, "preTokenizer");
        if (preTokenizer != PreTokenizer)
            throw Invalid($"\"preTokenizer\" must be \"{PreTokenizer}\", but is \"{preTokenizer}\"");

        foreach (string array in (string[])["specialTokens", "merges"])
        {
            if (!root.TryGetProperty(array, out var value) || value.ValueKind != JsonValueKind.Array)
                throw Invalid($"\"{array}\" must exist and be an array");
        }
    }

    private static string[] ReadSpecialTokens(JsonElement array)
    {
        var names = new List<string>();
        foreach (var element in array.EnumerateArray())
        {
            names.Add(element.ValueKind == JsonValueKind.String
                ? element.GetString()!
                : throw Invalid($"special token {names.Count} must be a string, but is {element.ValueKind}"));
        }

        string[] fixedNames = SpecialTokenNames.Fixed;
        if (names.Count < fixedNames.Length || !names.Take(fixedNames.Length).SequenceEqual(fixedNames))
            throw Invalid($"\"specialTokens\" must start with {string.Join(' ', fixedNames)}, but is {string.Join(' ', names.Take(10))}");

        return [.. names];
    }

    private static List<TokenPair> ReadMerges(JsonElement array, int firstByteId, ByteLevelBpeTokenizerOptions options)
    {
        int firstMergeId = firstByteId + BpeVocabulary.NumBytes;
        int count = array.GetArrayLength();
        if (count > options.VocabSize - firstMergeId)
            throw Invalid($"vocabSize {options.VocabSize} leaves room for {options.VocabSize - firstMergeId} merges, but there are {count}");

        var merges = new List<TokenPair>(count);
        var tokens = new List<string>(count + BpeVocabulary.NumBytes);
        for (int b = 0; b < BpeVocabulary.NumBytes; b++)
            tokens.Add(((char)b).ToString());

        var distinctTokens = new HashSet<string>(tokens, StringComparer.Ordinal);
        foreach (var element in array.EnumerateArray())
        {
            var merge = ReadPair(element, merges.Count);
            int id = firstMergeId + merges.Count;
            if (merge.Left < firstByteId || merge.Left >= id || merge.Right < firstByteId || merge.Right >= id)
                throw Invalid($"merge {merges.Count} must join ids from {firstByteId} to {id - 1}, but joins {merge.Left} and {merge.Right}");

            string left = tokens[merge.Left - firstByteId];
            string right = tokens[merge.Right - firstByteId];
            if (left.Length + right.Length > options.MaxTokenLength)
            {
                throw Invalid(
                    $"a token has at most maxTokenLength = {options.MaxTokenLength} bytes, but merge {merges.Count} makes {left.Length + right.Length}");
            }

            if (!distinctTokens.Add(left + right))
                throw Invalid($"no two tokens are the same, but merge {merges.Count} ({merge.Left}, {merge.Right}) makes an earlier token again");

            tokens.Add(left + right);
            merges.Add(merge);
        }

        return merges;
    }

    private static TokenPair ReadPair(JsonElement element, int index)
    {
        if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 2
            && element[0].ValueKind == JsonValueKind.Number && element[0].TryGetInt32(out int left)
            && element[1].ValueKind == JsonValueKind.Number && element[1].TryGetInt32(out int right))
        {
            return new TokenPair(left, right);
        }

        throw Invalid($"merge {index} must be an array of two token ids");
    }

    private static string ReadString(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw Invalid($"\"{name}\" must exist and be a string");

    private static long ReadInteger(JsonElement root, string name, long max) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out long number) && number >= 0 && number <= max
            ? number
            : throw Invalid($"\"{name}\" must exist and be an integer from 0 to {max}");

    private static InvalidDataException Invalid(string rule, Exception? inner = null) =>
        new($"This is not a valid tokenizer file: {rule}. Load a file that ByteLevelBpeTokenizer.Save wrote.", inner);
}
