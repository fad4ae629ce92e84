namespace Maha.Tool.Output;

/// <summary>Checks where a command writes before it computes what it writes, which can take hours.</summary>
internal static class OutputPath
{
    /// <summary>Checks the path of a file.</summary>
    /// <param name="option">The option that names it.</param>
    /// <param name="path">The path.</param>
    /// <param name="createsFolder">Whether its folder is created.</param>
    /// <exception cref="UsageException">The path is a folder, or has none.</exception>
    /// <exception cref="IOException">A file can't be created there.</exception>
    public static void CheckFile(string option, string path, bool createsFolder)
    {
        if (Directory.Exists(path))
            throw new UsageException($"{option} must name a file, but '{path}' is a folder. Name a file in it, or another one.");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!createsFolder && !Directory.Exists(folder))
            throw new UsageException($"{option} must name a file in a folder that exists, but there is no '{folder}'. Create it, or name another file.");
        string beside = Path.Combine(folder, $".maha-{Guid.NewGuid():N}");
        try
        {
            if (createsFolder)
                Directory.CreateDirectory(folder);
            // Files are written beside and renamed, so that a new one is what must be possible.
            using var probe = new FileStream(beside, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Options = FileOptions.DeleteOnClose,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string reason = e.Message.Replace(beside, folder, StringComparison.Ordinal);
            throw new IOException($"{option} must name a file that can be written, but '{path}' can't be: {reason} Name another one.", e);
        }
    }

    /// <summary>Checks the path of a folder.</summary>
    /// <exception cref="UsageException">The path is a file.</exception>
    public static void CheckFolder(string option, string path)
    {
        if (File.Exists(path))
            throw new UsageException($"{option} must name a folder, but '{path}' is a file. Name another one.");
    }
}
