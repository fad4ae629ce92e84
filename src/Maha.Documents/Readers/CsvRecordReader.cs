using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CsvHelper;
using Maha.Documents.Files;

namespace Maha.Documents.Readers;

/// <summary>Reads files of records that are separated by commas, tabs or another character.</summary>
internal static class CsvRecordReader
{
    /// <summary>Reads a file, record by record.</summary>
    public static IEnumerable<ReadItem> Read(DocumentFile file, DocumentLoaderOptions options)
    {
        using var stream = file.Open();
        var encoding = TextEncodings.Detect(stream, options.Encoding, isHtml: false);
        if (encoding.Encoding is null)
        {
            yield return ReadItem.Bad(encoding.Error!, encoding.ErrorLine);
            yield break;
        }
        var malformed = new Queue<CsvMalformedRecord>();
        using var csv = CsvReader.Create(stream, Options(file, options, encoding.Encoding, malformed.Enqueue), leaveOpen: true);
        string[] names = options.HasHeader ? [.. csv.Headers] : [];
        if (malformed.TryDequeue(out var header))
        {
            yield return ReadItem.Bad(
                $"The file is not read, since its first record must have the names of the columns, but {Describe(header.Reason)}.", header.LineNumber);
            yield break;
        }
        if (options.HasHeader && names.Length == 0)
        {
            yield return ReadItem.Bad("The file has no records.");
            yield break;
        }
        var fields = options.HasHeader ? Find(names, options) : null;
        long lastBad = 0;
        while (fields?.Error is null)
        {
            bool hasRecord = csv.Read();
            // Records that the reader has passed over, in order, before the one that it has read.
            CsvMalformedRecord? recovered = null;
            while (malformed.TryDequeue(out var bad))
            {
                if (hasRecord && !bad.Skipped && bad.LineNumber == csv.LineNumber)
                {
                    recovered = bad;
                }
                else if (bad.LineNumber != lastBad)
                {
                    // A record with two faults, such as an open quotation mark and too few fields after it, is one document.
                    lastBad = bad.LineNumber;
                    yield return ReadItem.Bad($"A record must be well formed, but {Describe(bad.Reason)}.", bad.LineNumber);
                }
            }
            if (!hasRecord)
                yield break;
            fields ??= Find([.. Enumerable.Range(0, csv.FieldCount).Select(i => $"{i}")], options);
            if (fields.Error is null)
                yield return Record(csv, fields, recovered, options);
        }
        yield return ReadItem.Bad(fields.Error!, csv.LineNumber is 0 ? 1 : csv.LineNumber);
    }

    private static ReadItem Record(CsvReader csv, Fields fields, CsvMalformedRecord? recovered, DocumentLoaderOptions options)
    {
        long line = csv.LineNumber;
        // A quotation mark inside a field without them is text; the other faults leave it open where the field ends.
        if (recovered is { } bad && bad.Reason != CsvMalformedReason.StrayQuote)
            return ReadItem.Bad($"A record must be well formed, but {Describe(bad.Reason)}.", line);
        if (!Utf8.IsValid(csv.RawRecord))
            return ReadItem.Bad("A UTF-8 text must be valid, but the record has bytes that are not. Repair the file, or set Encoding.", line);
        string text = csv.GetString(fields.Text);
        string? label = fields.Label is int index ? csv.GetString(index) : null;
        if (csv.RawRecord.Contains((byte)0))
            return ReadItem.Bad("A record must not have NUL characters, but has one.", line);
        if (text.Length > options.MaxDocumentLength)
            return DocumentReaders.TooLong(options, line);
        return ReadItem.Document(text, label, line) with
        {
            Kept = options.KeptFields.Count == 0
                ? null
                : [.. fields.Kept.Select(field => KeyValuePair.Create(field.Name, JsonSerializer.Serialize(csv.GetString(field.Index))))],
        };
    }

    private static Fields Find(IReadOnlyList<string> names, DocumentLoaderOptions options)
    {
        int text = DocumentReaders.FindField(names, options.TextField), label = DocumentReaders.FindField(names, options.LabelField ?? "label");
        string? error = Twice(names, [options.TextField, options.LabelField ?? "label", .. options.KeptFields]);
        if (error is not null)
            return new Fields(text, null, [], error);
        if (text < 0)
            error = Missing(options.TextField, nameof(options.TextField), names, options);
        else if (label < 0 && options.LabelField is { } name)
            error = Missing(name, nameof(options.LabelField), names, options);
        var kept = options.KeptFields.Select(field => (field, DocumentReaders.FindField(names, field))).Where(field => field.Item2 >= 0);
        return new Fields(text, label < 0 ? null : label, [.. kept], error);
    }

    // JSON is refused for it, too: the columns may differ.
    private static string? Twice(IReadOnlyList<string> names, IReadOnlyList<string> fields)
        => fields.FirstOrDefault(field => names.Count(name => name == field) > 1) is { } name
        ? $"The file is not read, since it must have one column '{name}', but has several. Rename the others." : null;

    private static string Missing(string field, string option, IReadOnlyList<string> names, DocumentLoaderOptions options)
        => $"The file is not read, since it must have a column '{field}', but the columns are: {DocumentReaders.List(names)}. Set {option}. "
        + (options.HasHeader
            ? "If the file has no header, set HasHeader to false; if its fields are separated otherwise, set SeparatorChar."
            : "If its fields are separated otherwise, set SeparatorChar.");

    private static CsvReaderOptions Options(DocumentFile file, DocumentLoaderOptions options, Encoding encoding, Action<CsvMalformedRecord> report) => new()
    {
        Separator = options.SeparatorChar ?? (file.IsTabSeparated ? '\t' : ','),
        HasHeader = options.HasHeader,
        Mode = options.AllowQuoting ? CsvMode.Rfc4180 : CsvMode.NoEscape,
        // UTF-8 is read as it is, so that a record with bytes that are not valid does not end the file.
        Encoding = encoding is UTF8Encoding ? null : encoding,
        MaxRecordSize = options.MaxDocumentBytes,
        TrackLineNumbers = true,
        MalformedData = CsvMalformedDataHandling.Recover,
        FieldCountMismatch = CsvFieldCountHandling.Skip,
        OnMalformedRecord = report,
    };

    private static string Describe(CsvMalformedReason reason) => reason switch
    {
        CsvMalformedReason.UnterminatedQuote => "a quotation mark opens a field that is never closed: the rest of the file belongs to it. "
            + "Double the quotation marks inside fields, or set AllowQuoting to false",
        CsvMalformedReason.TextAfterClosingQuote => "there is text after the closing quotation mark of a field. "
            + "Double the quotation marks inside fields, or set AllowQuoting to false",
        CsvMalformedReason.FieldCountMismatch => "it has another number of fields than the first one",
        CsvMalformedReason.StrayQuote => "there is a quotation mark inside a field without quotation marks around it",
        _ => $"it is not ({reason})",
    };

    private sealed record Fields(int Text, int? Label, (string Name, int Index)[] Kept, string? Error);
}
