using System.Buffers;
using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Maha.Tool.Input;

namespace Maha.Tool.Output;

/// <summary>Writes JSON lines in UTF-8: complete lines only, soon after they are there.</summary>
/// <param name="output">The stream.</param>
/// <param name="flushesEachLine">Whether each line is written at once.</param>
internal sealed class JsonLines(Stream output, bool flushesEachLine = false) : IDisposable
{
    private const int BufferSize = 1 << 15;
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(100);

    private readonly ArrayBufferWriter<byte> _buffer = new(2 * BufferSize);
    private readonly Stopwatch _sinceFlush = Stopwatch.StartNew();
    // Text beyond ASCII as it is; nothing here is put into HTML.
    private readonly Utf8JsonWriter _json = new(
        Stream.Null, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    /// <summary>Writes an object on a line.</summary>
    public void Write(Action<Utf8JsonWriter> writeMembers)
    {
        _json.Reset(_buffer);
        _json.WriteStartObject();
        writeMembers(_json);
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
        if (flushesEachLine || _buffer.WrittenCount >= BufferSize || _sinceFlush.Elapsed >= s_delay)
            Flush();
    }

    /// <summary>Writes a line for a document: where it comes from, its kept fields, then what a command has computed.</summary>
    public void Write(InputDocument document, Action<Utf8JsonWriter> writeResult) => Write(json =>
    {
        if (document.Path is { } path)
            json.WriteString("path", path);
        if (document.Line is long line)
            json.WriteNumber("line", line);
        foreach (var (name, value) in document.Kept ?? [])
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
        writeResult(json);
    });

    /// <summary>Writes the lines that are there.</summary>
    public void Flush()
    {
        output.Write(_buffer.WrittenSpan);
        output.Flush();
        _buffer.ResetWrittenCount();
        _sinceFlush.Restart();
    }

    public void Dispose() => _json.Dispose();
}
