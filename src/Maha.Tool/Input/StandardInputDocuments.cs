using System.Text;
using Maha.Documents;
using Maha.Documents.Readers;

namespace Maha.Tool.Input;

/// <summary>Reads documents from standard input: one per line, or JSON lines.</summary>
internal static class StandardInputDocuments
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="isJson">Whether each line is a JSON object; null if the first line that is not empty decides, by its first character.</param>
    /// <param name="options">The options of the documents.</param>
    public static IEnumerable<InputDocument> Read(Stream stream, bool? isJson, DocumentLoaderOptions options)
    {
        using var lines = new Utf8LineReader(stream, options.MaxDocumentBytes);
        bool isFirst = true;
        while (lines.Read())
        {
            var line = WithoutMark(lines);
            bool isEmpty = !lines.IsTooLong && line.Span.Trim(" \t\r"u8).IsEmpty;
            if (isJson is null && !isEmpty)
                isJson = !lines.IsTooLong && line.Span.TrimStart(" \t"u8) is [(byte)'{', ..];
            // Empty lines of JSON are no records; of texts they are empty documents, so that line n of the output is that of line n of the input.
            if (isEmpty && isJson == true)
                continue;
            bool isArray = isFirst && isJson == true && !lines.IsTooLong && JsonLinesReader.OpensArray(line);
            isFirst &= isEmpty;
            var item = isArray ? JsonLinesReader.OpenArray(lines.LineNumber)
                : lines.IsTooLong ? DocumentReaders.TooLong(options, lines.LineNumber)
                : isJson == true ? JsonLinesReader.Parse(line, lines.LineNumber, options)
                : ReadText(line, lines.LineNumber);
            yield return new InputDocument(null, item.Line, item.Text ?? "", item.Label ?? "", item.Error is { } error ? ToolTerms.Of(error) : null, item.Kept);
            if (isArray)
                yield break;
        }
    }

    private static ReadItem ReadText(ReadOnlyMemory<byte> line, long number)
    {
        // As in files. UTF-16 of English is valid UTF-8 with a NUL beside every letter.
        if (line.Span.Contains((byte)0))
        {
            return ReadItem.Bad(
                "A line must not have NUL bytes, but has one: the input is binary, or UTF-16 or UTF-32. If it is text, convert it, for instance with iconv.",
                number);
        }
        try
        {
            return ReadItem.Document(s_utf8.GetString(line.Span), line: number);
        }
        catch (DecoderFallbackException)
        {
            return ReadItem.Bad("The line must be UTF-8, but has bytes that are not valid. Convert the input, for instance with iconv.", number);
        }
    }

    private static ReadOnlyMemory<byte> WithoutMark(Utf8LineReader lines)
        => lines.LineNumber == 1 && lines.Line.Span.StartsWith("\uFEFF"u8) ? lines.Line["\uFEFF"u8.Length..] : lines.Line;
}
