using System.Security.Cryptography;
using Maha.Layers.Core;

namespace Maha.Layers.Kernels;

/// <summary>The folder of compiled code, so that only the first process compiles. Where it can't be read or written, each process compiles.</summary>
/// <remarks>
/// A file is the SHA-256 of the code and the code. It is written under another name and renamed, so that no reader finds half a file; a damaged one is ignored
/// and written again.
/// </remarks>
internal sealed class CudaCodeFolder(string? path)
{
    private const string Variable = "MAHA_CACHE";

    /// <summary>
    /// The folder <c>cuda</c> in the folder that the environment variable MAHA_CACHE names; otherwise in <c>maha</c> in the user's folder for caches.
    /// </summary>
    public static CudaCodeFolder Default { get; } = new(DefaultPath());

    /// <summary>Returns the code of a key; null where there is none, or a damaged file.</summary>
    public byte[]? Read(string key)
    {
        if (FileOf(key) is not { } file)
            return null;
        try
        {
            byte[] content = File.ReadAllBytes(file);
            if (content.Length <= SHA256.HashSizeInBytes)
                return null;
            byte[] code = content[SHA256.HashSizeInBytes..];
            return SHA256.HashData(code).AsSpan().SequenceEqual(content.AsSpan(0, SHA256.HashSizeInBytes)) ? code : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps the code of a key, if the folder can be written.</summary>
    public void Write(string key, byte[] code)
    {
        if (FileOf(key) is not { } file)
            return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            // Processes that start together compile and write the same code.
            AtomicFile.Write(
                file,
                stream =>
                {
                    stream.Write(SHA256.HashData(code));
                    stream.Write(code);
                },
                partialSuffix: $".{Guid.NewGuid():N}{AtomicFile.PartialSuffix}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next process compiles again.
        }
    }

    private string? FileOf(string key) => path is null ? null : Path.Combine(path, key);

    private static string? DefaultPath()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
            return Path.Combine(chosen, "cuda");
        if (OperatingSystem.IsLinux())
        {
            if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } caches)
                return Path.Combine(caches, "maha", "cuda");
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return home.Length > 0 ? Path.Combine(home, ".cache", "maha", "cuda") : null;
        }
        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        return local.Length > 0 ? Path.Combine(local, "maha", "cuda") : null;
    }
}
