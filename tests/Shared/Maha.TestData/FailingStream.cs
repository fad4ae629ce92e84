namespace Maha.TestData;

/// <summary>A stream that fails after a number of bytes, as on a full disk.</summary>
/// <param name="inner">The stream that is written.</param>
/// <param name="space">The number of bytes that can be written.</param>
/// <param name="failure">Creates the exception of the failure.</param>
public sealed class FailingStream(Stream inner, long space, Func<Exception> failure) : Stream
{
    private long _written;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => inner.CanSeek;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => inner.Length;

    /// <inheritdoc/>
    public override long Position
    {
        get => inner.Position;
        set => inner.Position = value;
    }

    /// <summary>Fails where the space is used up: a file system may report so only when it writes what is buffered.</summary>
    public override void Flush()
    {
        if (_written >= space)
            throw failure();
        inner.Flush();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

    /// <inheritdoc/>
    public override void SetLength(long value) => inner.SetLength(value);

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        int fits = (int)Math.Min(buffer.Length, Math.Max(0, space - _written));
        inner.Write(buffer[..fits]);
        _written += buffer.Length;
        if (fits < buffer.Length)
            throw failure();
    }
}
