using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Maha.Layers.Data;

/// <summary>
/// A long sequence of token ids that is first appended to and then read in any order. It is in memory up to a limit, otherwise in a
/// temporary file.
/// </summary>
/// <remarks>
/// The file is deleted when it is closed, by Dispose or by the finalizer of its handle. On Unix its name is removed as soon as it is
/// open, so that nothing is left even when the process is killed.
/// </remarks>
internal sealed class TokenStore : IDisposable
{
    // 4 MiB: large enough to write at the speed of the disk, small compared to any useful limit.
    private const int MaxSegmentTokens = 1 << 20;
    private const int MinSegmentTokens = 1 << 10;

    private readonly long _maxBytesInMemory;
    private readonly string _directory;
    private readonly int _segmentTokens;
    private readonly List<int[]> _segments = [];
    private int[] _last = [];
    private int _lastCount;
    private long _written;
    private SafeFileHandle? _file;
    private bool _isDisposed;

    public TokenStore(long maxBytesInMemory, string? directory)
    {
        _maxBytesInMemory = maxBytesInMemory;
        _directory = directory ?? Path.GetTempPath();
        _segmentTokens = (int)Math.Clamp(maxBytesInMemory / sizeof(int), MinSegmentTokens, MaxSegmentTokens);
    }

    /// <summary>The number of token ids.</summary>
    public long Count { get; private set; }

    /// <summary>Whether the token ids are in a file.</summary>
    public bool IsSpilled => _file is not null;

    public void Append(ReadOnlySpan<int> ids)
    {
        Count += ids.Length;
        while (!ids.IsEmpty)
        {
            if (_lastCount == _last.Length)
                NextSegment();
            int count = Math.Min(ids.Length, _last.Length - _lastCount);
            ids[..count].CopyTo(_last.AsSpan(_lastCount));
            _lastCount += count;
            ids = ids[count..];
        }
    }

    /// <summary>Ends appending. Call it before the first read.</summary>
    public void Complete()
    {
        if (!IsSpilled)
            return;
        Write(_last.AsSpan(0, _lastCount));
        _last = [];
        _lastCount = 0;
    }

    public void Read(long start, Span<int> destination)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_file is not null)
        {
            ReadFile(_file, start * sizeof(int), MemoryMarshal.AsBytes(destination));
            return;
        }
        while (!destination.IsEmpty)
        {
            int offset = (int)(start % _segmentTokens);
            int count = Math.Min(destination.Length, _segmentTokens - offset);
            _segments[(int)(start / _segmentTokens)].AsSpan(offset, count).CopyTo(destination);
            start += count;
            destination = destination[count..];
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _segments.Clear();
        _last = [];
        _file?.Dispose();
    }

    private void NextSegment()
    {
        if (IsSpilled)
        {
            Write(_last);
            _lastCount = 0;
            return;
        }
        if ((_segments.Count + 1L) * _segmentTokens * sizeof(int) <= _maxBytesInMemory)
        {
            _last = new int[_segmentTokens];
            _segments.Add(_last);
            _lastCount = 0;
            return;
        }
        _file = OpenFile();
        foreach (int[] segment in _segments)
            Write(segment);
        _segments.Clear();
        _last = new int[_segmentTokens];
        _lastCount = 0;
    }

    private SafeFileHandle OpenFile()
    {
        string path = Path.Combine(_directory, $"maha-tokens-{Guid.NewGuid():N}.tmp");
        try
        {
            var file = File.OpenHandle(
                path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose | FileOptions.RandomAccess);
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileError($"none can be created in '{_directory}'", "Set TemporaryDirectory to a folder that can be written", e);
        }
    }

    private void Write(ReadOnlySpan<int> ids)
    {
        try
        {
            RandomAccess.Write(_file!, MemoryMarshal.AsBytes(ids), _written);
        }
        catch (IOException e)
        {
            throw FileError($"writing in '{_directory}' failed after {_written} bytes", "Set TemporaryDirectory to a folder with more space", e);
        }
        _written += (long)ids.Length * sizeof(int);
    }

    private IOException FileError(string problem, string remedy, Exception cause)
    {
        return new IOException(
            $"Documents beyond {_maxBytesInMemory} bytes (MaxBytesInMemory) must go to a temporary file, but {problem}: {cause.Message} " +
            $"{remedy}, or raise MaxBytesInMemory.", cause);
    }

    private static void ReadFile(SafeFileHandle file, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(file, destination, offset);
            if (count == 0)
            {
                throw new EndOfStreamException(
                    $"The temporary file must hold all documents, but ends at byte {offset}. It was changed by another process.");
            }
            offset += count;
            destination = destination[count..];
        }
    }
}
