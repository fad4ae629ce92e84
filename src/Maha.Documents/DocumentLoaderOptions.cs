using System.Globalization;
using System.Text;

namespace Maha.Documents;

/// <summary>The options of <c>LoadDocuments</c>.</summary>
public sealed record DocumentLoaderOptions
{
    /// <summary>The default of <see cref="MaxDocumentLength"/>.</summary>
    internal const int DefaultMaxDocumentLength = 1 << 24;

    /// <summary>The largest <see cref="MaxDocumentLength"/>.</summary>
    internal const int LongestDocument = 1 << 28;

    /// <summary>The format of every file; <see cref="DocumentFormat.Auto"/> for the format of its extension.</summary>
    /// <value>The default is <see cref="DocumentFormat.Auto"/>.</value>
    public DocumentFormat Format { get; init; }

    /// <summary>
    /// The JSON property or CSV column of the text: a name, compared without case where no name is equal, or the number of a column from 0. Ignored for formats
    /// where the file is the document.
    /// </summary>
    /// <value>The default is <c>text</c>.</value>
    public string TextField { get; init; } = "text";

    /// <summary>
    /// The JSON property or CSV column of the label, named as <see cref="TextField"/> is. Null for <c>label</c> where a file or record has it, and the name
    /// of the folder elsewhere. Ignored for formats where the file is the document: their label is the name of the folder.
    /// </summary>
    /// <value>The default is null.</value>
    public string? LabelField { get; init; }

    /// <summary>Whether the first record of a CSV file has the names of the columns. Where it is false, the fields are numbers.</summary>
    /// <value>The default is true.</value>
    public bool HasHeader { get; init; } = true;

    /// <summary>The separator of CSV files, an ASCII character; null for a tab in <c>.tsv</c> and <c>.tab</c> files and a comma in others.</summary>
    /// <value>The default is null.</value>
    public char? SeparatorChar { get; init; }

    /// <summary>
    /// Whether a field of a CSV file that starts with a quotation mark ends with the next single one, and may have separators, line breaks and doubled
    /// quotation marks before it. Where it is false, quotation marks are text and every line is a record.
    /// </summary>
    /// <value>The default is true.</value>
    public bool AllowQuoting { get; init; } = true;

    /// <summary>The encoding of files without byte order mark; null to detect it for each file. JSON lines are UTF-8 by default.</summary>
    /// <value>The default is null.</value>
    public Encoding? Encoding { get; init; }

    /// <summary>The most characters of a document. A longer one is skipped and listed, and is never in memory as a whole.</summary>
    /// <value>The default is 16,777,216; the range is 1 to 268,435,456.</value>
    public int MaxDocumentLength { get; init; } = DefaultMaxDocumentLength;

    /// <summary>Whether a document without text is a row. Where it is false, it is skipped and listed. An empty file never is a row.</summary>
    /// <value>The default is false.</value>
    public bool KeepEmpty { get; init; }

    /// <summary>Whether the first document that can't be read throws an <see cref="InvalidDataException"/> instead of being skipped and listed.</summary>
    /// <value>The default is false.</value>
    public bool ThrowOnError { get; init; }

    /// <summary>
    /// Receives each document that is skipped, in every pass over the data, on the thread of the cursor. Null if nothing receives them; see also
    /// <see cref="DocumentDataView.Summary"/>.
    /// </summary>
    /// <value>The default is null.</value>
    public Action<SkippedDocument>? OnSkipped { get; init; }

    /// <summary>The other JSON properties or CSV columns that the reader keeps with a document.</summary>
    internal IReadOnlyList<string> KeptFields { get; init; } = [];

    /// <summary>The most bytes of a document: a character is at most 4 in every encoding.</summary>
    internal int MaxDocumentBytes => 4 * MaxDocumentLength;

    internal void Validate()
    {
        if (!Enum.IsDefined(Format))
            throw new ArgumentOutOfRangeException(nameof(Format), $"Format must be a {nameof(DocumentFormat)}, but is {Format}.");
        ArgumentException.ThrowIfNullOrEmpty(TextField);
        if (LabelField is { Length: 0 })
            throw new ArgumentException("LabelField must be a name, a number or null, but is empty.", nameof(LabelField));
        if (!HasHeader && (!IsNumber(TextField) || LabelField is not null && !IsNumber(LabelField)))
        {
            throw new ArgumentException(
                $"Without header, TextField and LabelField must be numbers from 0, but are '{TextField}' and '{LabelField}'. Set them, or set HasHeader.");
        }
        if (SeparatorChar is char separator && (separator is '"' or '\r' or '\n' or '\0' || !char.IsAscii(separator)))
            throw new ArgumentOutOfRangeException(nameof(SeparatorChar), "SeparatorChar must be ASCII and no quotation mark, line break or NUL.");
        if (MaxDocumentLength is < 1 or > LongestDocument)
        {
            throw new ArgumentOutOfRangeException(
                nameof(MaxDocumentLength), $"MaxDocumentLength must lie in [1, {LongestDocument}], but is {MaxDocumentLength}.");
        }
    }

    private static bool IsNumber(string field) => int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
