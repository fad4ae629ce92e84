using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Maha.Documents.Files;

namespace Maha.Documents.Readers;

/// <summary>Reads files of JSON lines.</summary>
internal static class JsonLinesReader
{
    private static readonly JsonDocumentOptions s_json = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a file, line by line. Empty lines are no records.</summary>
    public static IEnumerable<ReadItem> Read(DocumentFile file, DocumentLoaderOptions options)
    {
        using var stream = file.Open();
        using var bytes = Transcoded(stream, options.Encoding);
        using var lines = new Utf8LineReader(bytes, options.MaxDocumentBytes);
        bool isFirst = true;
        while (lines.Read())
        {
            if (lines.IsTooLong)
            {
                yield return DocumentReaders.TooLong(options, lines.LineNumber);
            }
            else if (isFirst && OpensArray(lines.Line))
            {
                yield return OpenArray(lines.LineNumber);
                yield break;
            }
            else if (!IsBlank(lines.Line.Span))
            {
                yield return Parse(lines.Line, lines.LineNumber, options);
            }
            isFirst &= !lines.IsTooLong && IsBlank(lines.Line.Span);
        }
    }

    /// <summary>Whether a line starts an array that goes on after it, as where the whole input is one JSON text.</summary>
    public static bool OpensArray(ReadOnlyMemory<byte> line)
    {
        if (line.Span.TrimStart(" \t"u8) is not [(byte)'[', .. var rest] || rest.Trim(" \t\r"u8) is not ([] or [(byte)'{', ..]))
            return false;
        var reader = new Utf8JsonReader(line.Span, isFinalBlock: false, default);
        try
        {
            // False where more must follow.
            return !(reader.Read() && reader.TrySkip());
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The reason why an input is not read whose first line starts an array.</summary>
    public static ReadItem OpenArray(long line) => ReadItem.Bad(
        "Nothing is read, since each line must be one JSON object, but the lines together are an array. Write each of its items on a line, for instance "
        + "with jq -c '.[]'.", line);

    /// <summary>Reads the text and the label of a line.</summary>
    public static ReadItem Parse(ReadOnlyMemory<byte> line, long number, DocumentLoaderOptions options)
    {
        try
        {
            if (!Utf8.IsValid(line.Span))
                return ReadItem.Bad("JSON must be UTF-8, but the line has bytes that are not valid. Repair the file, or set Encoding.", number);
            using var json = JsonDocument.Parse(line, s_json);
            if (json.RootElement.ValueKind == JsonValueKind.Array)
            {
                return ReadItem.Bad(
                    "A line must be one JSON object, but is an array. Write each of its items on a line, for instance with jq -c '.[]'.", number);
            }
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                return ReadItem.Bad($"A line must be one JSON object, but is a {json.RootElement.ValueKind}.", number);
            // Also of a record that can't be read: it may be known by them.
            return Read(json.RootElement, number, options) with { Kept = Kept(json.RootElement, options) };
        }
        catch (JsonException e)
        {
            return ReadItem.Bad($"A line must be one JSON object, but is not: {Position(e)}.", number);
        }
        catch (InvalidOperationException e)
        {
            // Halves of surrogate pairs.
            return ReadItem.Bad($"The text of a JSON property can't be read: {e.Message}", number);
        }
    }

    private static ReadItem Read(JsonElement record, long number, DocumentLoaderOptions options)
    {
        if (!TryFind(record, options.TextField, out var text))
            return ReadItem.Bad($"There must be a property '{options.TextField}', but the properties are: {Names(record)}. Set TextField.", number);
        if (text.ValueKind != JsonValueKind.String)
            return ReadItem.Bad($"The property '{options.TextField}' must be a string, but is {text.ValueKind}.", number);
        string? label = null;
        if (TryFind(record, options.LabelField ?? "label", out var value))
        {
            if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                return ReadItem.Bad($"The property of the label must be a string, a number, a Boolean or null, but is {value.ValueKind}.", number);
            // As JSON writes it: .NET would write True.
            label = value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Null => "",
                _ => value.GetRawText(),
            };
        }
        else if (options.LabelField is { } name)
        {
            return ReadItem.Bad($"There must be a property '{name}', but the properties are: {Names(record)}. Set LabelField.", number);
        }
        string document = text.GetString()!;
        if (document.Length > options.MaxDocumentLength)
            return DocumentReaders.TooLong(options, number);
        return ReadItem.Document(document, label, number);
    }

    private static List<KeyValuePair<string, string>>? Kept(JsonElement record, DocumentLoaderOptions options)
    {
        if (options.KeptFields.Count == 0)
            return null;
        var kept = new List<KeyValuePair<string, string>>();
        foreach (string name in options.KeptFields)
        {
            if (record.TryGetProperty(name, out var value))
                kept.Add(new(name, value.GetRawText()));
        }
        return kept;
    }

    private static bool TryFind(JsonElement record, string field, out JsonElement value)
    {
        if (record.TryGetProperty(field, out value))
            return true;
        foreach (var property in record.EnumerateObject())
        {
            if (property.Name.Equals(field, StringComparison.OrdinalIgnoreCase))
            {
                value = property.Value;
                return true;
            }
        }
        return false;
    }

    private static string Names(JsonElement record) => DocumentReaders.List(record.EnumerateObject().Select(property => property.Name));

    // The message of the exception ends with a line number that is always 0 here.
    private static string Position(JsonException e)
    {
        int end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return FormattableString.Invariant($"{(end < 0 ? e.Message : e.Message[..end]).TrimEnd('.')} (byte {e.BytePositionInLine})");
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => !line.ContainsAnyExcept((byte)' ', (byte)'\t', (byte)'\r');

    // JSON is UTF-8; a byte order mark, or the option, says otherwise.
    private static Stream Transcoded(FileStream stream, Encoding? given)
    {
        Span<byte> head = stackalloc byte[4];
        int length = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        var (encoding, mark) = TextEncodings.FromMark(head[..length]);
        stream.Position = mark;
        encoding ??= given;
        if (encoding is null or UTF8Encoding)
            return stream;
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return Encoding.CreateTranscodingStream(stream, TextEncodings.Strict(encoding), utf8, leaveOpen: true);
    }
}
