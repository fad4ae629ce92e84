using System.Security.Cryptography;
using System.Text;

namespace Maha.Layers.Weights;

/// <summary>
/// The checksums of a safetensors file, which the format itself lacks: one of the header, and one of the bytes of each tensor. They are metadata, so that other
/// readers read the file as well, and are checked where a file has them.
/// </summary>
/// <remarks>
/// The checksum of the header is the SHA-256 of its bytes with zeros in the place of the checksum. The checksums of the tensors are in the order of their
/// bytes, with a space between two.
/// </remarks>
internal static class SafetensorsChecksums
{
    /// <summary>The key of the checksum of the header.</summary>
    public const string HeaderKey = "maha.sha256.header";

    /// <summary>The key of the checksums of the tensors.</summary>
    public const string TensorsKey = "maha.sha256.tensors";

    private const int Digits = 2 * SHA256.HashSizeInBytes;

    /// <summary>What stands in the place of the checksum of the header while it is computed.</summary>
    public static readonly string Zeros = new('0', Digits);

    /// <summary>Writes the checksum of a header into it.</summary>
    /// <param name="header">The complete header, with <see cref="Zeros"/> as the value of <see cref="HeaderKey"/>.</param>
    public static void Sign(Span<byte> header)
    {
        string sum = Convert.ToHexStringLower(SHA256.HashData(header));
        Encoding.ASCII.GetBytes(sum, header[PlaceOf(header, Zeros)..]);
    }

    /// <summary>Checks the checksum of a header, and takes the checksums out of its metadata.</summary>
    /// <param name="header">The complete header.</param>
    /// <param name="metadata">The metadata of the header.</param>
    /// <param name="numTensors">The number of tensors.</param>
    /// <returns>The checksum of each tensor, in the order of their bytes; null where the file has none.</returns>
    /// <exception cref="WeightFileException">The header has another checksum, or the checksums are not complete.</exception>
    public static string[]? Verify(ReadOnlySpan<byte> header, Dictionary<string, string> metadata, int numTensors)
    {
        bool hasHeader = metadata.Remove(HeaderKey, out string? sum), hasTensors = metadata.Remove(TensorsKey, out string? sums);
        if (!hasHeader && !hasTensors)
            return null;
        int place = sum?.Length == Digits ? PlaceOf(header, sum) : -1;
        if (place < 0 || sums is null)
        {
            throw new WeightFileException(
                $"The metadata of a file with checksums must hold '{HeaderKey}' and '{TensorsKey}', but do not. The file is damaged: copy it again.");
        }
        byte[] unsigned = header.ToArray();
        Encoding.ASCII.GetBytes(Zeros, unsigned.AsSpan(place));
        string actual = Convert.ToHexStringLower(SHA256.HashData(unsigned));
        if (actual != sum)
            throw new WeightFileException($"The header must have the SHA-256 {sum} that it states, but has {actual}. The file is damaged: copy it again.");
        string[] all = sums.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (all.Length != numTensors)
        {
            throw new WeightFileException(
                $"There must be a checksum for each of the {numTensors} tensors, but there are {all.Length}. The file is damaged: copy it again.");
        }
        return all;
    }

    // The digits alone may also be in metadata of the user. A key with its quotes can't be: JSON escapes quotes within strings.
    private static int PlaceOf(ReadOnlySpan<byte> header, string sum)
    {
        string key = $"\"{HeaderKey}\":\"";
        int place = header.IndexOf(Encoding.ASCII.GetBytes(key + sum));
        return place < 0 ? -1 : place + key.Length;
    }
}
