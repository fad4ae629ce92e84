using System.Buffers;
using System.Text;

namespace Maha.Documents.Readers;

/// <summary>The bytes of a stream that decide whether it is UTF-8.</summary>
internal sealed record Utf8Scan
{
    private const int BufferSize = 1 << 16;

    /// <summary>The number of characters beyond ASCII.</summary>
    public long NumValid { get; private set; }

    /// <summary>The number of sequences that are not valid.</summary>
    public long NumInvalid { get; private set; }

    /// <summary>The offset of the first sequence that is not valid.</summary>
    public long InvalidOffset { get; private set; }

    /// <summary>The line of that sequence, from 1.</summary>
    public long InvalidLine { get; private set; }

    /// <summary>The offset of the first NUL, at which the scan ends; null if there is none.</summary>
    public long? NulOffset { get; private set; }

    /// <summary>The line of that NUL, from 1.</summary>
    public long NulLine { get; private set; }

    /// <summary>Reads a stream to its end, or to its first NUL.</summary>
    public static Utf8Scan Read(Stream stream)
    {
        var scan = new Utf8Scan();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            long offset = 0, line = 1;
            int kept = 0;
            while (true)
            {
                int read = stream.Read(buffer, kept, BufferSize - kept);
                int used = scan.Add(buffer.AsSpan(0, kept + read), read == 0, offset, line);
                if (read == 0 || scan.NulOffset is not null)
                    return scan;
                line += buffer.AsSpan(0, used).Count((byte)'\n');
                offset += used;
                kept += read - used;
                buffer.AsSpan(used, kept).CopyTo(buffer);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Returns how many bytes were consumed: a sequence at the end of the buffer can go on in the next.
    private int Add(ReadOnlySpan<byte> bytes, bool isLast, long offset, long line)
    {
        int position = 0;
        while (true)
        {
            int next = bytes[position..].IndexOfAnyExceptInRange((byte)1, (byte)0x7F);
            if (next < 0)
                return bytes.Length;
            position += next;
            if (bytes[position] == 0)
            {
                (NulOffset, NulLine) = (offset + position, line + bytes[..position].Count((byte)'\n'));
                return position;
            }
            var status = Rune.DecodeFromUtf8(bytes[position..], out _, out int length);
            if (status == OperationStatus.NeedMoreData && !isLast)
                return position;
            if (status == OperationStatus.Done)
            {
                NumValid++;
            }
            else if (++NumInvalid == 1)
            {
                (InvalidOffset, InvalidLine) = (offset + position, line + bytes[..position].Count((byte)'\n'));
            }
            position += Math.Max(1, length);
        }
    }
}
