using Maha.Documents;
using Maha.Documents.Files;

namespace Maha.Tool.Input;

/// <summary>Standard input in a temporary file, for a command that passes over its documents several times.</summary>
internal sealed class SpooledInput : IDisposable
{
    private SpooledInput(string path) => Path = path;

    public string Path { get; }

    /// <summary>The file, under a name that tells the user where its documents come from, and in no folder that could be a label.</summary>
    public DocumentFile File(DocumentFormat format) => new(Path, "standard input", format == DocumentFormat.Auto ? DocumentFormat.JsonLines : format);

    /// <summary>Reads standard input, JSON lines, to its end.</summary>
    public static SpooledInput Read(ToolContext context)
    {
        if (!Console.IsInputRedirected)
            throw new UsageException("There must be documents: name files or folders, or write JSON lines to standard input.");
        var spooled = new SpooledInput(System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"maha-{Guid.NewGuid():N}.jsonl"));
        try
        {
            using var input = new StandardInput(context.Cancellation);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            // All users share the folder.
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new FileStream(spooled.Path, options);
            input.CopyTo(file);
            return spooled;
        }
        catch
        {
            spooled.Dispose();
            throw;
        }
    }

    public void Dispose() => System.IO.File.Delete(Path);
}
