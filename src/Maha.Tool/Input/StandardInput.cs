using System.Collections.Concurrent;

namespace Maha.Tool.Input;

/// <summary>Standard input, of which a read ends when it is canceled. A little is read ahead; then the writer waits.</summary>
internal sealed class StandardInput : Stream
{
    private const int ChunkSize = 1 << 16;
    private const int MaxChunks = 8;

    private readonly BlockingCollection<byte[]> _chunks = new(MaxChunks);
    private readonly CancellationToken _cancellation;
    private Exception? _failure;
    private ReadOnlyMemory<byte> _rest;

    public StandardInput(CancellationToken cancellation)
    {
        _cancellation = cancellation;
        // A thread of its own, since a read of a pipe can't be canceled; in the background, so that it does not keep the process.
        new Thread(Copy) { IsBackground = true }.Start();
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="OperationCanceledException">The command was canceled.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_rest.IsEmpty)
        {
            if (!_chunks.TryTake(out byte[]? chunk, Timeout.Infinite, _cancellation))
                return _failure is { } failure ? throw new IOException($"Standard input can't be read: {failure.Message}", failure) : 0;
            _rest = chunk;
        }
        int length = Math.Min(buffer.Length, _rest.Length);
        _rest.Span[..length].CopyTo(buffer);
        _rest = _rest[length..];
        return length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Copy()
    {
        try
        {
            using var input = Console.OpenStandardInput();
            byte[] buffer = new byte[ChunkSize];
            for (int length; (length = input.Read(buffer)) > 0;)
                _chunks.Add(buffer[..length], _cancellation);
        }
        catch (OperationCanceledException)
        {
            // The reader ends, too.
        }
        catch (Exception e)
        {
            _failure = e;
        }
        _chunks.CompleteAdding();
    }
}
