using System.Globalization;
using System.Text;
using Maha.Documents.Files;

namespace Maha.Documents.Readers;

/// <summary>Reads the documents of files.</summary>
internal static class DocumentReaders
{
    /// <summary>Reads a file, document by document.</summary>
    /// <exception cref="Exception">The file can't be read any further.</exception>
    public static IEnumerable<ReadItem> Read(DocumentFile file, DocumentLoaderOptions options)
    {
        // Pipes and devices have the length 0, and would block.
        if (IsEmpty(file.FullPath))
            return [ReadItem.Bad("The file is empty, or is not a regular file.")];
        return file.Format switch
        {
            DocumentFormat.JsonLines => JsonLinesReader.Read(file, options),
            DocumentFormat.Csv => CsvRecordReader.Read(file, options),
            _ => [ReadWhole(file, options)],
        };
    }

    private static bool IsEmpty(string path)
    {
        var file = new FileInfo(path);
        return (file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true)) is FileInfo { Exists: true, Length: 0 };
    }

    private static ReadItem ReadWhole(DocumentFile file, DocumentLoaderOptions options)
    {
        using var stream = file.Open();
        if (stream.Length > options.MaxDocumentBytes)
            return TooLong(options);
        byte[] bytes = new byte[stream.Length];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        var encoding = TextEncodings.Detect(new MemoryStream(bytes, 0, length), options.Encoding, file.Format == DocumentFormat.Html);
        if (encoding.Error is { } error)
            return ReadItem.Bad(error, encoding.ErrorLine);
        string text;
        try
        {
            text = encoding.Decode(bytes.AsSpan(0, length));
        }
        catch (DecoderFallbackException e)
        {
            return ReadItem.Bad(ReadFailure.Describe(e, lastLine: null).Reason, encoding.LineOfBadBytes(bytes.AsSpan(0, length)));
        }
        if (text.Length > options.MaxDocumentLength)
            return TooLong(options);
        return ReadItem.Document(file.Format switch
        {
            DocumentFormat.Html => HtmlText.Read(text),
            DocumentFormat.Markdown => MarkdownText.Read(text),
            _ => text,
        });
    }

    /// <summary>The reason why a document is too long.</summary>
    public static ReadItem TooLong(DocumentLoaderOptions options, long? line = null)
        => ReadItem.Bad($"A document has at most {options.MaxDocumentLength} characters, but this one has more. Set MaxDocumentLength, or divide it.", line);

    /// <summary>Lists names for a message: the first ones, and the start of long ones.</summary>
    public static string List(IEnumerable<string> names)
    {
        const int shown = 20, longest = 60;
        string[] first = [.. names.Take(shown + 1).Select(name => name.Length > longest ? name[..longest] + "..." : name)];
        return first.Length == 0 ? "none" : string.Join(", ", first.Take(shown)) + (first.Length > shown ? ", ..." : "");
    }

    /// <summary>Finds a field by its name, by its name without case, or by its number.</summary>
    /// <returns>The index, or -1.</returns>
    public static int FindField(IReadOnlyList<string> names, string field)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] == field)
                return i;
        }
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i].Trim().Equals(field, StringComparison.OrdinalIgnoreCase))
                return i;
        }
        return int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < names.Count ? index : -1;
    }
}
