namespace Maha.Tool.Input;

/// <summary>Standard input in a temporary file, for a training, which passes over its documents several times.</summary>
internal sealed class SpooledInput : IDisposable
{
    private SpooledInput(string path) => Path = path;

    public string Path { get; }

    /// <summary>Reads standard input, JSON lines, to its end.</summary>
    public static SpooledInput Read(ToolContext context)
    {
        if (!Console.IsInputRedirected)
            throw new UsageException("A training needs documents: name files or folders, or write JSON lines to standard input.");
        var spooled = new SpooledInput(System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"maha-{Guid.NewGuid():N}.jsonl"));
        try
        {
            using var input = new StandardInput(context.Cancellation);
            using var file = new FileStream(spooled.Path, FileMode.CreateNew, FileAccess.Write);
            input.CopyTo(file);
            return spooled;
        }
        catch
        {
            spooled.Dispose();
            throw;
        }
    }

    public void Dispose() => File.Delete(Path);
}
