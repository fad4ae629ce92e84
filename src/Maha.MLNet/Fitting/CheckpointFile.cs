using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Maha.Layers.Core;

namespace Maha.MLNet.Fitting;

/// <summary>A file of a checkpoint: what it is of, the parts that were fitted before the training of the network, and the state of this training.</summary>
/// <remarks>
/// *** Format *** "MAHACKP1"; the SHA-256 of all that follows; the length and bytes of the head (JSON); the number of parts, and for each its name and its
/// length and bytes; the state of the training (a safetensors file) to the end, or nothing before the training began. Numbers are Int32, little-endian.
/// </remarks>
internal sealed class CheckpointFile
{
    private const int HashBytes = SHA256.HashSizeInBytes;
    private const int PayloadStart = 8 + HashBytes;

    // More than options, and fitted parts, take.
    private const int MaxHeadBytes = 1 << 24;

    private static readonly JsonSerializerOptions s_json = new() { RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true };

    private readonly string _path;
    private readonly long _stateStart;

    private CheckpointFile(string path, CheckpointHead head, Dictionary<string, byte[]> parts, long stateStart)
    {
        (_path, Head, Parts, _stateStart) = (path, head, parts, stateStart);
    }

    private static ReadOnlySpan<byte> Magic => "MAHACKP1"u8;

    /// <summary>What the checkpoint is of.</summary>
    public CheckpointHead Head { get; }

    /// <summary>The parts by name.</summary>
    public IReadOnlyDictionary<string, byte[]> Parts { get; }

    /// <summary>Writes a file.</summary>
    /// <param name="path">The path. The file has its name only when it is complete.</param>
    /// <param name="head">What the checkpoint is of.</param>
    /// <param name="parts">The parts by name.</param>
    /// <param name="writeState">Writes the state of the training; null before it began.</param>
    public static void Write(string path, CheckpointHead head, IReadOnlyDictionary<string, byte[]> parts, Action<Stream>? writeState) =>
        AtomicFile.Write(path, stream =>
        {
            stream.Write(Magic);
            stream.Write(new byte[HashBytes]);
            using var hash = SHA256.Create();
            using (var hashed = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
            {
                using (var writer = new BinaryWriter(hashed, Encoding.UTF8, leaveOpen: true))
                {
                    byte[] json = JsonSerializer.SerializeToUtf8Bytes(head);
                    writer.Write(json.Length);
                    writer.Write(json);
                    writer.Write(parts.Count);
                    foreach (var (name, bytes) in parts)
                    {
                        writer.Write(name);
                        writer.Write(bytes.Length);
                        writer.Write(bytes);
                    }
                }
                writeState?.Invoke(hashed);
            }
            stream.Position = Magic.Length;
            stream.Write(hash.Hash!);
        });

    /// <summary>Reads a file, but for the state of the training.</summary>
    /// <param name="path">The path.</param>
    /// <exception cref="InvalidDataException">The file is damaged, or is no checkpoint of this version.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static CheckpointFile Read(string path)
    {
        using var stream = File.OpenRead(path);
        byte[] start = new byte[PayloadStart];
        if (stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length || !start.AsSpan(0, Magic.Length).SequenceEqual(Magic))
            throw new InvalidDataException($"A checkpoint must begin with {Encoding.ASCII.GetString(Magic)} and a checksum, but does not.");
        if (!SHA256.HashData(stream).AsSpan().SequenceEqual(start.AsSpan(Magic.Length)))
            throw new InvalidDataException("The content of a checkpoint must have the SHA-256 that it states, but has another.");
        stream.Position = PayloadStart;
        try
        {
            var head = JsonSerializer.Deserialize<CheckpointHead>(ReadBlock(MaxHeadBytes), s_json)
                ?? throw new InvalidDataException("A checkpoint must have a head, but has none.");
            var parts = new Dictionary<string, byte[]>();
            for (int left = ReadInt32(); left > 0; left--)
            {
                using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
                parts.Add(reader.ReadString(), ReadBlock(int.MaxValue));
            }
            return new CheckpointFile(path, head, parts, stream.Position);
        }
        catch (Exception e) when (e is JsonException or EndOfStreamException or ArgumentException)
        {
            throw new InvalidDataException($"A checkpoint must have the form of this version, but has not: {e.Message}", e);
        }

        int ReadInt32()
        {
            Span<byte> bytes = stackalloc byte[sizeof(int)];
            stream.ReadExactly(bytes);
            return BinaryPrimitives.ReadInt32LittleEndian(bytes);
        }

        byte[] ReadBlock(int max)
        {
            int length = ReadInt32();
            if (length < 0 || length > max || length > stream.Length - stream.Position)
                throw new InvalidDataException($"A part of a checkpoint must fit into the file, but has {length} bytes.");
            byte[] block = new byte[length];
            stream.ReadExactly(block);
            return block;
        }
    }

    /// <summary>Opens the state of the training. The caller disposes the stream.</summary>
    /// <returns>The stream; null before the training began.</returns>
    public Stream? OpenState()
    {
        var stream = File.OpenRead(_path);
        stream.Position = _stateStart;
        if (stream.Length > _stateStart)
            return stream;
        stream.Dispose();
        return null;
    }
}

/// <summary>What a checkpoint is of.</summary>
/// <param name="Options">The options of the fitting and other facts that its result depends on, by name.</param>
/// <param name="Elapsed">The time that the fitting had taken, over all processes.</param>
/// <param name="Written">When the file was written.</param>
internal sealed record CheckpointHead(IReadOnlyDictionary<string, string> Options, TimeSpan Elapsed, DateTimeOffset Written);
