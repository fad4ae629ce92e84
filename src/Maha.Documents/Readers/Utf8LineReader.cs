namespace Maha.Documents.Readers;

/// <summary>Reads the lines of a stream as bytes, in bounded memory.</summary>
/// <param name="stream">The stream, from its position on.</param>
/// <param name="maxLength">The most bytes of a line that are kept.</param>
internal sealed class Utf8LineReader(Stream stream, int maxLength) : IDisposable
{
    /// <summary>The bytes of the buffer at first.</summary>
    internal const int InitialSize = 1 << 16;

    private byte[] _buffer = new byte[InitialSize];
    private int _start;
    private int _end;
    private bool _hasEnded;

    /// <summary>The number of the line that was read last, from 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>Whether the line that was read last is longer than the limit. Its bytes are dropped.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>Whether the line that was read last has a line break after it.</summary>
    public bool IsTerminated { get; private set; }

    /// <summary>The line that was read last, without its line break; valid until the next is read.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>Whether the next line is in the buffer, so that reading it does not wait for the stream.</summary>
    public bool HasBufferedLine => _buffer.AsSpan(_start, _end - _start).Contains((byte)'\n');

    /// <summary>Reads the next line.</summary>
    /// <returns>Whether there is one.</returns>
    public bool Read()
    {
        IsTooLong = false;
        int scanned = 0;
        while (true)
        {
            int length = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf((byte)'\n');
            if (length >= 0)
                return Take(scanned + length, isTerminated: true);
            scanned = _end - _start;
            if (scanned > maxLength)
            {
                IsTooLong = true;
                _start = _end = scanned = 0;
            }
            if (_hasEnded)
                return (scanned > 0 || IsTooLong) && Take(scanned, isTerminated: false);
            MakeRoom();
            int read = stream.Read(_buffer, _end, _buffer.Length - _end);
            _end += read;
            _hasEnded = read == 0;
        }
    }

    public void Dispose()
    {
        _buffer = [];
        (_start, _end, _hasEnded) = (0, 0, true);
    }

    /// <summary>The size of the buffer after one that is full: twice as large, but no larger than a line can be.</summary>
    internal static int NextSize(int size, int maxLength) => (int)Math.Min(Math.Min(2L * size, maxLength + 1L), Array.MaxLength);

    private bool Take(int length, bool isTerminated)
    {
        LineNumber++;
        IsTerminated = isTerminated;
        var line = _buffer.AsMemory(_start, length);
        _start += length + (isTerminated ? 1 : 0);
        IsTooLong |= length > maxLength;
        if (line.Span is [.., (byte)'\r'] && isTerminated)
            line = line[..^1];
        Line = IsTooLong ? default : line;
        return true;
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end < _buffer.Length)
            return;
        Array.Resize(ref _buffer, NextSize(_buffer.Length, maxLength));
    }
}
