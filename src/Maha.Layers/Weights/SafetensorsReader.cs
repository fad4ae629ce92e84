using System.Security.Cryptography;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>
/// Reads a safetensors file. The header is read by the constructor, a tensor when it is asked for.
/// </summary>
/// <remarks>
/// <para>The whole header is checked before a tensor is allocated: its length, duplicate names, element types, that the offsets of each tensor
/// match its shape, and that the tensors fill the file without gaps and overlaps. So a small file never causes a large allocation.</para>
/// <para>The stream need not support seeking. Then tensors must be read in the order of <see cref="Entries"/>, and a tensor is allocated only
/// when its bytes have been read.</para>
/// </remarks>
public sealed class SafetensorsReader : IDisposable
{
    // The size of one read, and the step in which memory grows for a stream of unknown length.
    private const int ChunkBytes = 1 << 20;

    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private readonly SafetensorsHeader _header;
    private readonly Dictionary<string, int> _places;
    private readonly long _dataStart;
    private long _position;

    /// <summary>Reads and checks the header.</summary>
    /// <param name="stream">A readable stream at the beginning of the file.</param>
    /// <param name="leaveOpen">Whether the stream stays open when the reader is disposed.</param>
    /// <exception cref="ArgumentException">The stream can't be read.</exception>
    /// <exception cref="WeightFileException">The header is not valid.</exception>
    public SafetensorsReader(Stream stream, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead)
            throw new ArgumentException("stream must be readable, but is not. Open it for reading.", nameof(stream));
        _stream = stream;
        _leaveOpen = leaveOpen;
        _header = SafetensorsHeader.Read(stream, stream.CanSeek ? stream.Length - stream.Position : null);
        _dataStart = stream.CanSeek ? stream.Position : 0;
        _places = _header.Entries.Select((entry, place) => (entry.Name, place)).ToDictionary(pair => pair.Name, pair => pair.place);
    }

    /// <summary>The tensors of the file in the order of their bytes.</summary>
    internal IReadOnlyList<SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The names of the tensors, in the order of the file.</summary>
    public IReadOnlyList<string> Names => [.. Entries.Select(entry => entry.Name)];

    /// <summary>The key-value pairs of text in the file.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <returns>The reader. Dispose it to close the file.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="WeightFileException">The header is not valid.</exception>
    public static SafetensorsReader Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, ChunkBytes);
        try
        {
            return new SafetensorsReader(stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads one tensor into CPU memory.</summary>
    /// <param name="name">
    /// The name of the tensor. Where the stream does not support seeking, tensors must be read in the order of <see cref="Entries"/>.
    /// </param>
    /// <returns>A new tensor with the element type and shape of the header.</returns>
    /// <exception cref="KeyNotFoundException">The file has no such tensor.</exception>
    /// <exception cref="InvalidOperationException">The stream does not support seeking, and the tensor precedes one that was read already.</exception>
    /// <exception cref="WeightFileException">The file ends before the tensor does, a BOOL is neither 0 nor 1, or a checksum of the file differs.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public Tensor Read(string name)
    {
        TorchLibrary.EnsureLoaded();
        ArgumentNullException.ThrowIfNull(name);
        if (!_places.TryGetValue(name, out int place))
        {
            throw new KeyNotFoundException(
                $"The file must hold the tensor, but has no {SafetensorsHeader.Quote(name)} among its {Entries.Count} tensors. Entries lists them.");
        }
        var entry = Entries[place];
        Seek(entry);
        using var hash = _header.Checksums is null ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var tensor = _stream.CanSeek ? ReadKnown(entry, hash) : ReadGrowing(entry, hash);
        if (hash is null || Convert.ToHexStringLower(hash.GetHashAndReset()) is var actual && actual == _header.Checksums![place])
            return tensor;
        tensor.Dispose();
        throw new WeightFileException(
            $"The bytes of {SafetensorsHeader.Quote(name)} must have the SHA-256 {_header.Checksums[place]}, but have {actual}. " +
            "The file is damaged: copy it again.");
    }

    /// <summary>Reads all tensors in the order of their bytes.</summary>
    /// <returns>The tensors by name, in CPU memory.</returns>
    /// <exception cref="InvalidOperationException">The stream does not support seeking, and a tensor was read already.</exception>
    /// <exception cref="WeightFileException">The file ends before the tensor does, a BOOL is neither 0 nor 1, or a checksum of the file differs.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public Dictionary<string, Tensor> ReadAll()
    {
        var tensors = new Dictionary<string, Tensor>(Entries.Count);
        try
        {
            foreach (var entry in Entries)
                tensors.Add(entry.Name, Read(entry.Name));
        }
        catch
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
        return tensors;
    }

    /// <summary>Closes the stream, unless the constructor was told to leave it open.</summary>
    public void Dispose()
    {
        if (!_leaveOpen)
            _stream.Dispose();
    }

    private void Seek(SafetensorsEntry entry)
    {
        if (_stream.CanSeek)
        {
            _stream.Position = _dataStart + entry.Offset;
            return;
        }
        if (entry.Offset < _position)
        {
            throw new InvalidOperationException(
                $"A stream that can't seek must be read in the order of Entries, but {SafetensorsHeader.Quote(entry.Name)} begins at byte " +
                $"{entry.Offset} and the stream is at byte {_position}. Read in order, or copy the stream to a file.");
        }
        byte[] skipped = new byte[Math.Min(ChunkBytes, entry.Offset - _position)];
        while (_position < entry.Offset)
            Fill(skipped.AsSpan(0, (int)Math.Min(skipped.Length, entry.Offset - _position)), entry);
    }

    /// <summary>Reads into the new tensor directly, since the file is known to hold all its bytes.</summary>
    private Tensor ReadKnown(SafetensorsEntry entry, IncrementalHash? hash)
    {
        var tensor = empty(entry.Shape.ToArray(), entry.ElementType);
        try
        {
            TensorBytes.ForEachChunk(tensor, entry.ByteCount, (chunk, first) => Fill(chunk, entry, hash));
            CheckBooleans(tensor, entry);
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
        return tensor;
    }

    /// <summary>Reads the bytes before the tensor is allocated, since the header may promise more bytes than the stream holds.</summary>
    private Tensor ReadGrowing(SafetensorsEntry entry, IncrementalHash? hash)
    {
        var chunks = new List<byte[]>();
        for (long left = entry.ByteCount; left > 0; left -= chunks[^1].Length)
        {
            byte[] chunk = new byte[Math.Min(ChunkBytes, left)];
            Fill(chunk, entry, hash);
            chunks.Add(chunk);
        }
        var tensor = empty(entry.Shape.ToArray(), entry.ElementType);
        try
        {
            TensorBytes.ForEachChunk(tensor, entry.ByteCount, (target, first) =>
            {
                for (int done = 0; done < target.Length;)
                {
                    byte[] chunk = chunks[(int)((first + done) / ChunkBytes)];
                    int start = (int)((first + done) % ChunkBytes);
                    int count = Math.Min(chunk.Length - start, target.Length - done);
                    chunk.AsSpan(start, count).CopyTo(target[done..]);
                    done += count;
                }
            });
            CheckBooleans(tensor, entry);
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
        return tensor;
    }

    private void Fill(Span<byte> target, SafetensorsEntry entry, IncrementalHash? hash = null)
    {
        int read = _stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
        _position += read;
        if (read < target.Length)
        {
            throw new WeightFileException(
                $"The file must hold the {entry.ByteCount} bytes of {SafetensorsHeader.Quote(entry.Name)}, but ends before. It is cut off: copy it again.");
        }
        hash?.AppendData(target);
    }

    /// <summary>Checks that booleans are 0 or 1, since native code does not define other values.</summary>
    private static void CheckBooleans(Tensor tensor, SafetensorsEntry entry)
    {
        if (entry.ElementType != ScalarType.Bool)
            return;
        TensorBytes.ForEachChunk(tensor, entry.ByteCount, (chunk, first) =>
        {
            int wrong = chunk.IndexOfAnyExceptInRange((byte)0, (byte)1);
            if (wrong >= 0)
            {
                throw new WeightFileException(
                    $"A BOOL must be the byte 0 or 1, but byte {first + wrong} of {SafetensorsHeader.Quote(entry.Name)} is {chunk[wrong]}. Save it as U8.");
            }
        });
    }
}
