namespace Maha.Documents;

/// <summary>A document that could not be read.</summary>
/// <param name="Path">The path of the file, relative to the folder that was loaded; or of a folder that could not be listed.</param>
/// <param name="Line">The line, from 1, at which the record starts; null where the reason holds for the file.</param>
/// <param name="Reason">The rule that the document breaks, and the remedy where there is one.</param>
public sealed record SkippedDocument(string Path, long? Line, string Reason)
{
    /// <summary>Returns the path, the line and the reason in one line.</summary>
    public override string ToString() => Line is long line ? FormattableString.Invariant($"{Path}, line {line}: {Reason}") : $"{Path}: {Reason}";
}
