using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>
/// Writes safetensors files.
/// </summary>
/// <remarks>
/// Equal tensors give equal files: the names are sorted, and the header is padded with spaces to a multiple of 8 bytes.
/// </remarks>
public static class SafetensorsWriter
{
    private const int Alignment = 8;
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes a file. It is written beside and takes its name when it is complete.</summary>
    /// <param name="path">The path of the file. An existing file is replaced.</param>
    /// <param name="tensors">The tensors by name. They may be on any device and need not be contiguous.</param>
    /// <param name="metadata">Key-value pairs of text to write with the tensors; null for none.</param>
    /// <exception cref="ArgumentException">
    /// A name is not allowed, or a tensor was disposed or has an element type that the format lacks. No file was written.
    /// </exception>
    /// <exception cref="IOException">The file can't be written: the disk is full, or the folder is missing. An existing file is unchanged.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not write the file. An existing file is unchanged.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        AtomicFile.RequirePath(path);
        var content = new FileContent(tensors, metadata, hasChecksums: false);
        AtomicFile.Write(path, content.Write);
    }

    /// <summary>Writes a file with checksums, which <see cref="SafetensorsReader"/> checks.</summary>
    internal static void WriteWithChecksums(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        AtomicFile.RequirePath(path);
        var content = new FileContent(tensors, metadata, hasChecksums: true);
        AtomicFile.Write(path, content.Write);
    }

    /// <summary>Writes a file with checksums to a stream, which stays open.</summary>
    internal static void WriteWithChecksums(Stream stream, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        RequireWritable(stream);
        new FileContent(tensors, metadata, hasChecksums: true).Write(stream);
    }

    /// <summary>Writes to a stream, which stays open.</summary>
    /// <param name="stream">A writable stream. It need not support seeking.</param>
    /// <param name="tensors">The tensors by name. They may be on any device and need not be contiguous.</param>
    /// <param name="metadata">Key-value pairs of text to write with the tensors; null for none.</param>
    /// <exception cref="ArgumentException">
    /// The stream can't be written, a name is not allowed, or a tensor was disposed or has an element type that the format lacks. Nothing
    /// was written.
    /// </exception>
    public static void Write(Stream stream, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        RequireWritable(stream);
        new FileContent(tensors, metadata, hasChecksums: false).Write(stream);
    }

    private static void RequireWritable(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanWrite)
            throw new ArgumentException("stream must be writable, but is not. Open it for writing.", nameof(stream));
    }

    /// <summary>The content of a file, checked before the file is created.</summary>
    private readonly struct FileContent
    {
        private readonly IReadOnlyDictionary<string, Tensor> _tensors;
        private readonly List<SafetensorsEntry> _entries;
        private readonly byte[] _header;

        public FileContent(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata, bool hasChecksums)
        {
            ArgumentNullException.ThrowIfNull(tensors);
            _tensors = tensors;
            _entries = CreateEntries(tensors);
            if (!hasChecksums)
            {
                _header = CreateHeader(_entries, metadata);
                return;
            }
            _header = CreateHeader(_entries, new Dictionary<string, string>(metadata ?? new Dictionary<string, string>())
            {
                [SafetensorsChecksums.HeaderKey] = SafetensorsChecksums.Zeros,
                [SafetensorsChecksums.TensorsKey] = string.Join(' ', _entries.Select(HashOf)),
            });
            SafetensorsChecksums.Sign(_header);
        }

        public void Write(Stream stream)
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)_header.Length);
            stream.Write(length);
            stream.Write(_header);
            foreach (var entry in _entries)
                ForEachChunk(entry, (chunk, _) => stream.Write(chunk));
        }

        private string HashOf(SafetensorsEntry entry)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            ForEachChunk(entry, (chunk, _) => hash.AppendData(chunk));
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }

        private void ForEachChunk(SafetensorsEntry entry, TensorBytes.ChunkAction action)
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var contiguous = _tensors[entry.Name].detach().cpu().contiguous();
            TensorBytes.ForEachChunk(contiguous, entry.ByteCount, action);
        }
    }

    private static List<SafetensorsEntry> CreateEntries(IReadOnlyDictionary<string, Tensor> tensors)
    {
        var entries = new List<SafetensorsEntry>(tensors.Count);
        long offset = 0;
        foreach (string name in tensors.Keys.Order(StringComparer.Ordinal))
        {
            CheckText(name);
            if (name == SafetensorsHeader.MetadataKey)
                throw new ArgumentException($"No tensor may have the name {name}, since the format stores its metadata there. Rename it.", nameof(tensors));
            var tensor = tensors[name];
            TensorChecks.Alive(tensor, name);
            if (SafetensorsTypes.Find(tensor.dtype) is not { } type)
            {
                throw new ArgumentException(
                    $"The type of a tensor must be one of {SafetensorsTypes.Names}, but {SafetensorsHeader.Quote(name)} is {tensor.dtype}. " +
                    "Convert it with to(...).", nameof(tensors));
            }
            long bytes = checked(tensor.numel() * type.Size);
            entries.Add(new SafetensorsEntry(name, tensor.dtype, tensor.shape, offset, bytes));
            offset = checked(offset + bytes);
        }
        return entries;
    }

    private static byte[] CreateHeader(List<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        // Letters of other scripts stay as they are; the default encoder would escape them.
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                writer.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (string key in metadata.Keys.Order(StringComparer.Ordinal))
                {
                    CheckText(key);
                    CheckText(metadata[key]);
                    writer.WriteString(key, metadata[key]);
                }
                writer.WriteEndObject();
            }
            foreach (var entry in entries)
            {
                writer.WriteStartObject(entry.Name);
                writer.WriteString("dtype", SafetensorsTypes.Find(entry.ElementType)!.Value.Name);
                WriteNumbers(writer, "shape", entry.Shape);
                WriteNumbers(writer, "data_offsets", [entry.Offset, entry.Offset + entry.ByteCount]);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        while (buffer.Length % Alignment != 0)
            buffer.WriteByte((byte)' ');
        if (buffer.Length > SafetensorsHeader.MaxHeaderBytes)
        {
            throw new ArgumentException(
                $"The header of a safetensors file must have at most {SafetensorsHeader.MaxHeaderBytes} bytes, but would have {buffer.Length}. " +
                "Write fewer tensors or less metadata.", nameof(entries));
        }
        return buffer.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string name, IReadOnlyList<long> numbers)
    {
        writer.WriteStartArray(name);
        foreach (long number in numbers)
            writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }

    private static void CheckText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool valid = !text.Contains('\0');
        try
        {
            s_strictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException)
        {
            valid = false;
        }
        if (!valid)
        {
            throw new ArgumentException(
                $"Names and metadata must be valid Unicode without NUL, but {SafetensorsHeader.Quote(text)} is not. Change the text.", nameof(text));
        }
    }
}
