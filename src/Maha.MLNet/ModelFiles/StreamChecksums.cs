using System.Security.Cryptography;
using System.Text;

namespace Maha.MLNet.ModelFiles;

/// <summary>
/// The SHA-256 of the streams of a transformer. A zip's reader does not look at the zip's own checksums, and changed weights are still weights.
/// </summary>
/// <remarks>A stream of its own in UTF-8, a line for every stream: 64 hexadecimal digits, a space, the stream's name.</remarks>
internal sealed class StreamChecksums
{
    // Far more than a transformer has streams for; a longer stream is no list of checksums.
    private const int MaxBytes = 1 << 16;

    private readonly Dictionary<string, string> _sums = [];

    /// <summary>Writes a stream and remembers its sum.</summary>
    public void Write(string name, Stream stream, Action<Stream> write)
    {
        using var hash = SHA256.Create();
        using (var hashed = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
            write(hashed);
        _sums[name] = Convert.ToHexStringLower(hash.Hash!);
    }

    /// <summary>Compares a stream that can seek with its sum, and leaves it where it was.</summary>
    /// <exception cref="InvalidDataException">The stream has another sum, or none.</exception>
    public void Check(string name, Stream stream)
    {
        if (!_sums.TryGetValue(name, out string? expected))
            throw new InvalidDataException($"The stream 'Checksums' must have a line for '{name}', but has none. The file is damaged: save the model again.");
        long start = stream.Position;
        string actual = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (actual != expected)
            throw new InvalidDataException($"The stream '{name}' must have the SHA-256 {expected}, but has {actual}. The file is damaged: save the model again.");
        stream.Position = start;
    }

    /// <summary>Writes the sums.</summary>
    public void Save(Stream stream)
        => stream.Write(Encoding.UTF8.GetBytes(string.Concat(_sums.Select(sum => $"{sum.Value} {sum.Key}\n"))));

    /// <summary>Reads the sums.</summary>
    /// <exception cref="InvalidDataException">A line has another form.</exception>
    public static StreamChecksums Load(Stream stream)
    {
        byte[] bytes = new byte[MaxBytes];
        int count = stream.ReadAtLeast(bytes, MaxBytes, throwOnEndOfStream: false);
        var sums = new StreamChecksums();
        foreach (string line in Encoding.UTF8.GetString(bytes, 0, count).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int digits = 2 * SHA256.HashSizeInBytes;
            if (line.Length < digits + 2 || line[digits] != ' ' || !sums._sums.TryAdd(line[(digits + 1)..], line[..digits]))
                throw new InvalidDataException("A line of the stream 'Checksums' must be 64 hexadecimal digits, a space and the name of a stream, once each, but one is not. The file is damaged: save the model again.");
        }
        return sums;
    }
}
