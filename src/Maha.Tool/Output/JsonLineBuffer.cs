using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Maha.Tool.Input;

namespace Maha.Tool.Output;

/// <summary>JSON lines in memory, in UTF-8. A line that an exception has interrupted is not among them.</summary>
internal sealed class JsonLineBuffer : IDisposable
{
    private const int InitialSize = 1 << 16;

    private readonly ArrayBufferWriter<byte> _buffer = new(InitialSize);
    // Text beyond ASCII as it is; nothing here is put into HTML.
    private readonly Utf8JsonWriter _json = new(
        Stream.Null, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    private int _length;

    /// <summary>The lines.</summary>
    public ReadOnlySpan<byte> Lines => _buffer.WrittenSpan[.._length];

    /// <summary>Adds an object as a line.</summary>
    public void Write(Action<Utf8JsonWriter> writeMembers)
    {
        StartLine();
        writeMembers(_json);
        EndLine();
    }

    /// <summary>Adds a line for a document: where it comes from, its kept fields, then what a command has computed.</summary>
    public void Write(InputDocument document, Action<Utf8JsonWriter> writeResult)
    {
        StartLine();
        if (document.Path is { } path)
            _json.WriteString("path", path);
        if (document.Line is long line)
            _json.WriteNumber("line", line);
        foreach (var (name, value) in document.Kept ?? [])
        {
            _json.WritePropertyName(name);
            // The reader has parsed it.
            _json.WriteRawValue(value, skipInputValidation: true);
        }
        writeResult(_json);
        EndLine();
    }

    /// <summary>Removes the lines.</summary>
    public void Clear()
    {
        _buffer.ResetWrittenCount();
        _length = 0;
    }

    public void Dispose() => _json.Dispose();

    private void StartLine()
    {
        _json.Reset(_buffer);
        _json.WriteStartObject();
    }

    private void EndLine()
    {
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
        _length = _buffer.WrittenCount;
    }
}
