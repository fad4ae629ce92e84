namespace Maha.Documents.Readers;

/// <summary>A document, or the reason why it can't be read.</summary>
internal readonly record struct ReadItem
{
    /// <summary>The text; null where the document can't be read.</summary>
    public string? Text { get; private init; }

    /// <summary>The label; null where the file has none.</summary>
    public string? Label { get; private init; }

    /// <summary>The line, from 1; null where <see cref="Error"/> holds for the file.</summary>
    public long? Line { get; private init; }

    /// <summary>The reason why the document can't be read; null where it can.</summary>
    public string? Error { get; private init; }

    /// <summary>The names and JSON values of the kept fields that the record has; null where no fields are kept.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Kept { get; init; }

    public static ReadItem Document(string text, string? label = null, long line = 1) => new() { Text = text, Label = label, Line = line };

    public static ReadItem Bad(string error, long? line = null) => new() { Error = error, Line = line };
}
