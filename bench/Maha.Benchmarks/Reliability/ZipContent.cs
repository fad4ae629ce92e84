using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Maha.Benchmarks.Reliability;

/// <summary>Compares models by the contents of their files, without the times that a zip holds.</summary>
internal static class ZipContent
{
    /// <summary>Returns the SHA-256 of the names and contents of all streams of a zip.</summary>
    /// <exception cref="InvalidDataException">The file is not a whole zip.</exception>
    public static string HashOf(string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var archive = ZipFile.OpenRead(path);
        foreach (var entry in archive.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal))
        {
            using var content = new MemoryStream();
            using (var stream = entry.Open())
                stream.CopyTo(content);
            hash.AppendData(Encoding.UTF8.GetBytes(entry.FullName));
            hash.AppendData(content.ToArray());
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
