using System.IO.Compression;

namespace Maha.MLNet.ModelFiles;

/// <summary>Reads the streams of a model's zip into memory, within limits: a few bytes of a zip could expand to all memory.</summary>
internal static class ModelStreams
{
    // Numbers of a network hardly compress, texts by a factor of about 5.
    private const int MaxExpansion = 50;

    // Below this size, nothing is worth a check.
    private const long SmallBytes = 1 << 24;

    private const int BufferBytes = 1 << 16;

    /// <summary>Reads a stream of a zip.</summary>
    /// <param name="entry">The stream.</param>
    /// <returns>The bytes, at their beginning.</returns>
    /// <exception cref="InvalidDataException">The stream is far longer than its bytes in the zip, or has another length than the zip states.</exception>
    public static MemoryStream Read(ZipArchiveEntry entry)
    {
        long length = entry.Length;
        if (length > Array.MaxLength || (length > SmallBytes && length / MaxExpansion > entry.CompressedLength))
        {
            throw new InvalidDataException(
                $"A stream of a model must have at most {Array.MaxLength} bytes and {MaxExpansion} times the bytes that it takes in the zip, but " +
                $"'{entry.Name}' has {length} of {entry.CompressedLength}.");
        }
        var memory = new MemoryStream();
        byte[] buffer = new byte[BufferBytes];
        using var stream = entry.Open();
        for (int read; memory.Length <= length && (read = stream.Read(buffer)) > 0;)
            memory.Write(buffer, 0, read);
        if (memory.Length != length)
        {
            throw new InvalidDataException(
                $"The stream '{entry.Name}' must have the {length} bytes that the zip states, but has {(memory.Length > length ? "more" : "fewer")}.");
        }
        memory.Position = 0;
        return memory;
    }
}
