namespace Maha.Documents.Files;

/// <summary>A file of documents.</summary>
/// <param name="FullPath">The path by which the file is opened.</param>
/// <param name="Path">The path relative to the folder that was loaded, with slashes.</param>
/// <param name="Format">The format, which is not <see cref="DocumentFormat.Auto"/>.</param>
internal sealed record DocumentFile(string FullPath, string Path, DocumentFormat Format)
{
    /// <summary>The name of the folder that the file is in; empty for the folder that was loaded, or where the path does not name it, as in ./1.txt.</summary>
    public string FolderName { get; } = NameOfFolder(Path);

    /// <summary>Whether the extension is one of files that are separated by tabs.</summary>
    public bool IsTabSeparated => System.IO.Path.GetExtension(Path).ToLowerInvariant() is ".tsv" or ".tab";

    /// <summary>Returns the format of an extension.</summary>
    public static DocumentFormat FormatOf(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".html" or ".htm" or ".xhtml" => DocumentFormat.Html,
        ".md" or ".markdown" => DocumentFormat.Markdown,
        ".jsonl" or ".ndjson" or ".json" => DocumentFormat.JsonLines,
        ".csv" or ".tsv" or ".tab" => DocumentFormat.Csv,
        _ => DocumentFormat.Text,
    };

    /// <summary>Opens the file for reading; other processes may write, rename and delete it.</summary>
    /// <exception cref="IOException">The file is none that has a length and can be read again from its start.</exception>
    public FileStream Open()
    {
        var stream = new FileStream(FullPath, new FileStreamOptions
        {
            Access = FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            Options = FileOptions.SequentialScan,
            BufferSize = 0,
        });
        if (stream.CanSeek)
            return stream;
        stream.Dispose();
        throw new IOException("It must be a regular file, but is a pipe or a device. Copy what it has into a file.");
    }

    private static string NameOfFolder(string path)
        => path.Split('/')[..^1].LastOrDefault(segment => segment.Length > 0 && segment != ".") is { } name && name != ".." ? name : "";
}
