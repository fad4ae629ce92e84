namespace Maha.Tool.Input;

/// <summary>A document of the input.</summary>
/// <param name="Path">The file; null for standard input.</param>
/// <param name="Line">The line of the file or of standard input, from 1; null where an error holds for the file.</param>
/// <param name="Text">The text; empty where the document can't be read.</param>
/// <param name="Label">The label; empty if it has none.</param>
/// <param name="Error">The reason why the document can't be read; null if it can.</param>
/// <param name="Kept">The names and JSON values of the fields that are copied to the output, also of a record that can't be read; null for none.</param>
internal sealed record InputDocument(
    string? Path, long? Line, string Text, string Label, string? Error, IReadOnlyList<KeyValuePair<string, string>>? Kept)
{
    /// <summary>The characters that are in memory.</summary>
    public long Size => Text.Length + Label.Length + (Error?.Length ?? 0) + (Kept?.Sum(kept => (long)kept.Key.Length + kept.Value.Length) ?? 0);

    /// <summary>Returns the error with the file and the line.</summary>
    public string Describe() => (Path, Line) switch
    {
        (null, long line) => FormattableString.Invariant($"line {line}: {Error}"),
        (null, null) => $"standard input: {Error}",
        (var path, long line) => FormattableString.Invariant($"{path}, line {line}: {Error}"),
        _ => $"{Path}: {Error}",
    };
}
