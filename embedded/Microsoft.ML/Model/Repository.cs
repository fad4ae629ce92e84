using System.IO.Compression;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public interface ICanSaveModel
{
    void Save(ModelSaveContext ctx);
}

// Entries are kept in temporary files until Commit: a zip archive takes one entry at a time, while a model writes a stream
// for each of its parts before its own is finished.
internal sealed class RepositoryWriter : IDisposable
{
    private readonly IHostEnvironment _env;
    private readonly ZipArchive _archive;
    private readonly HashSet<string> _names = [];

    public RepositoryWriter(Stream stream, IHostEnvironment env)
    {
        _env = env;
        _archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        WriteEntry("TrainingInfo/Version.txt", version => version.Write(Encoding.UTF8.GetBytes(ModelFile.ProductVersion + Environment.NewLine)));
    }

    public void WriteEntry(string path, Action<Stream> write)
    {
        if (!_names.Add(path))
            throw _env.ExceptParam(nameof(path), $"Duplicate entry: '{path}'");
        using FileStream temporary = TemporaryFile.Create(_env);
        write(temporary);
        temporary.Position = 0;
        using Stream entry = _archive.CreateEntry(path).Open();
        temporary.CopyTo(entry);
    }

    public void Dispose() => _archive.Dispose();
}

internal sealed class RepositoryReader : IDisposable
{
    private readonly IHostEnvironment _env;
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];

    public RepositoryReader(Stream stream, IHostEnvironment env)
    {
        _env = env;
        try
        {
            _archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            // Archives made on Windows separate folders by backslashes.
            foreach (ZipArchiveEntry entry in _archive.Entries)
                _entries[entry.FullName.Replace('\\', '/')] = entry;
        }
        catch (Exception ex) when (ex is InvalidDataException or IOException or ArgumentException or NotSupportedException)
        {
            throw env.ExceptDecode(ex, "Failed to open a zip archive: the model file is truncated, corrupted or no model at all. Save it again.");
        }
    }

    public bool Contains(string path) => _entries.ContainsKey(path);

    // A copy of the entry, for the stream of an archive can't seek.
    public Stream OpenEntryOrNull(string path)
    {
        if (!_entries.TryGetValue(path, out ZipArchiveEntry entry))
            return null;
        FileStream copy = TemporaryFile.Create(_env);
        try
        {
            using Stream compressed = entry.Open();
            compressed.CopyTo(copy);
            copy.Position = 0;
            return copy;
        }
        catch (Exception ex)
        {
            copy.Dispose();
            if (ex is InvalidDataException)
                throw _env.ExceptDecode(ex, $"The entry '{path}' of the model file is corrupted. Save the model again.");
            throw;
        }
    }

    public void Dispose() => _archive.Dispose();
}

internal static class TemporaryFile
{
    public static FileStream Create(IHostEnvironment env)
    {
        string folder = env is IHostEnvironmentInternal { TempFilePath: { Length: > 0 } path } ? path : Path.GetTempPath();
        return new FileStream(Path.Combine(folder, "ml_dotnet_" + Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
    }
}
