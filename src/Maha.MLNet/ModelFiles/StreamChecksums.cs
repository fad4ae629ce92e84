using System.Security.Cryptography;
using System.Text;

namespace Maha.MLNet.ModelFiles;

/// <summary>
/// The SHA-256 checksums of the streams of a transformer. ML.NET does not verify the zip's own checksums when it reads an entry, and damaged weights are
/// numbers like any others.
/// </summary>
/// <remarks>Saved as a stream in UTF-8 with one line per stream: 64 hexadecimal digits, a space, the name of the stream.</remarks>
internal sealed class StreamChecksums
{
    // Far more than the checksums of all streams of a transformer take. A longer stream is not a list of checksums.
    private const int MaxBytes = 1 << 16;

    private readonly Dictionary<string, string> _sums = [];

    /// <summary>Writes a stream and keeps its checksum.</summary>
    public void Write(string name, Stream stream, Action<Stream> write)
    {
        using var hash = SHA256.Create();
        using (var hashed = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
            write(hashed);
        _sums[name] = Convert.ToHexStringLower(hash.Hash!);
    }

    /// <summary>Compares a stream with its checksum, and returns to its position. The stream must be seekable.</summary>
    /// <exception cref="MahaModelFileException">The stream has another checksum, or none.</exception>
    public void Check(string name, Stream stream)
    {
        if (!_sums.TryGetValue(name, out string? expected))
            throw MahaModelFileException.Damaged($"The stream 'Checksums' must have a line for '{name}', but has none.");
        long start = stream.Position;
        string actual = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (actual != expected)
            throw MahaModelFileException.Damaged($"The stream '{name}' must have the SHA-256 {expected}, but has {actual}.");
        stream.Position = start;
    }

    /// <summary>Writes the checksums.</summary>
    public void Save(Stream stream)
        => stream.Write(Encoding.UTF8.GetBytes(string.Concat(_sums.Select(sum => $"{sum.Value} {sum.Key}\n"))));

    /// <summary>Reads the checksums.</summary>
    /// <exception cref="MahaModelFileException">A line has another form.</exception>
    public static StreamChecksums Load(Stream stream)
    {
        byte[] bytes = new byte[MaxBytes];
        int count = stream.ReadAtLeast(bytes, MaxBytes, throwOnEndOfStream: false);
        var sums = new StreamChecksums();
        foreach (string line in Encoding.UTF8.GetString(bytes, 0, count).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int digits = 2 * SHA256.HashSizeInBytes;
            if (line.Length < digits + 2 || line[digits] != ' ' || !sums._sums.TryAdd(line[(digits + 1)..], line[..digits]))
            {
                throw MahaModelFileException.Damaged(
                    "A line of the stream 'Checksums' must be 64 hexadecimal digits, a space and the name of a stream, once each, but one is not.");
            }
        }
        return sums;
    }
}
