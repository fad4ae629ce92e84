namespace Maha.Documents;

/// <summary>The format of a file of documents.</summary>
public enum DocumentFormat
{
    /// <summary>By the extension of the file; a file with an unknown extension, or none, is <see cref="Text"/>.</summary>
    Auto,

    /// <summary>The file is one document of plain text. Extensions: <c>.txt</c>, <c>.text</c>, and all unknown ones.</summary>
    Text,

    /// <summary>The file is one document, of which the readable text is read. Extensions: <c>.html</c>, <c>.htm</c>, <c>.xhtml</c>.</summary>
    Html,

    /// <summary>The file is one document, of which the text is read without markup. Extensions: <c>.md</c>, <c>.markdown</c>.</summary>
    Markdown,

    /// <summary>Each line is one JSON object, with the text in a property. Extensions: <c>.jsonl</c>, <c>.ndjson</c>, <c>.json</c>.</summary>
    JsonLines,

    /// <summary>Each record is one document, with the text in a column. Extensions: <c>.csv</c>; <c>.tsv</c> and <c>.tab</c> (separated by tabs).</summary>
    Csv,
}
