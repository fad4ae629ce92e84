using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Maha.Layers.Core;

/// <summary>Writes files that are either complete or not there: the content is written to a file beside, which then takes the name.</summary>
/// <remarks>
/// An existing file stays as it is until the new one is complete and on the disk. If the process is killed, a file with the suffix
/// <see cref="PartialSuffix"/> may remain; the next write to the same path replaces it.
/// </remarks>
internal static class AtomicFile
{
    /// <summary>The suffix of a file that is not complete.</summary>
    public const string PartialSuffix = ".partial";

    private const int BufferBytes = 1 << 20;

    /// <summary>Writes a file.</summary>
    /// <param name="path">
    /// The path of the file. An existing file is replaced when the new one is complete; a link stays, and the file that it names is replaced.
    /// </param>
    /// <param name="write">Writes the content to a stream, which can seek.</param>
    /// <param name="wrap">Puts a stream around the file, for instance one that fails in a test; null for none.</param>
    /// <param name="partialSuffix">
    /// The suffix of the file beside. Where several writers may write the same path at once, each needs one of its own: they would otherwise refuse each other,
    /// and one could rename the file that another has begun.
    /// </param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not write the file.</exception>
    /// <exception cref="IOException">The file can't be written, for instance because the disk is full.</exception>
    public static void Write(
        string path,
        Action<Stream> write,
        Func<Stream, Stream>? wrap = null,
        string partialSuffix = PartialSuffix)
    {
        RequirePath(path);
        ArgumentNullException.ThrowIfNull(write);
        string target = path;
        string partial = path + partialSuffix;
        bool isOpened = false;
        try
        {
            if (new FileInfo(path).LinkTarget is not null)
            {
                target = File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
                partial = target + partialSuffix;
            }
            var existing = new FileInfo(target);
            if (Directory.Exists(target))
                throw new IOException("It is a folder.");
            if (existing is { Exists: true, IsReadOnly: true })
                throw new UnauthorizedAccessException("The file is read-only.");
            using (var file = new FileStream(partial, FileMode.Create, FileAccess.ReadWrite, FileShare.None, BufferBytes))
            {
                isOpened = true;
                var stream = wrap?.Invoke(file) ?? file;
                write(stream);
                stream.Flush();
                // Before the file takes the name: a system that loses power must not have an empty file under it.
                file.Flush(flushToDisk: true);
            }
            if (existing.Exists && !OperatingSystem.IsWindows())
                File.SetUnixFileMode(partial, existing.UnixFileMode);
            File.Move(partial, target, overwrite: true);
        }
        catch (Exception e)
        {
            // A partial file that another process writes stays.
            if (isOpened)
                DeleteQuietly(partial);
            if (Explain(e, path) is { } explained)
                throw explained;
            throw;
        }
    }

    /// <summary>Checks that a path can be one of a file, before anything is computed for it.</summary>
    /// <param name="path">The path.</param>
    /// <param name="name">The name of the argument.</param>
    /// <exception cref="ArgumentException">The path is null or empty, or has the character NUL.</exception>
    public static void RequirePath([NotNull] string? path, [CallerArgumentExpression(nameof(path))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(path, name);
        if (path.Length == 0 || path.Contains('\0'))
            throw new ArgumentException($"{name} must be the path of a file, but {(path.Length == 0 ? "is empty" : "has the character NUL")}. Name a file.", name);
    }

    private static Exception? Explain(Exception e, string path)
    {
        string state = File.Exists(path) ? "The file that was there is unchanged." : "No file was written.";
        return e switch
        {
            DirectoryNotFoundException => new DirectoryNotFoundException(
                $"The folder of a file must exist, but that of '{path}' does not. {state} Create the folder, or choose another path.", e),
            UnauthorizedAccessException => new UnauthorizedAccessException(
                $"This process must have the right to write '{path}', but has not: {e.Message} {state} Change the rights, or choose another path.", e),
            IOException when IsDiskFull(e.HResult) => new IOException(
                $"The disk must have space for the file '{path}', but is full. {state} Free some space, or choose another path.", e),
            IOException => new IOException(
                $"It must be possible to write the file '{path}', but it is not: {e.Message} {state} Remove the cause, or choose another path.", e),
            _ => null,
        };
    }

    // Errors of Linux and macOS (no space, quota exceeded) as they are, and those of Windows (handle disk full, disk full).
    private static bool IsDiskFull(int error) => error is 28 or 69 or 122 or unchecked((int)0x80070027) or unchecked((int)0x80070070);

    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The exception that ended the writing has the cause.
        }
    }
}
