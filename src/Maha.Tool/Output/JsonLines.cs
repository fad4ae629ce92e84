using System.Diagnostics;
using System.Text.Json;
using Maha.Tool.Input;

namespace Maha.Tool.Output;

/// <summary>Writes JSON lines in UTF-8: complete lines only, soon after they are there.</summary>
/// <param name="output">The stream.</param>
/// <param name="flushesEachLine">Whether each line is written at once.</param>
internal sealed class JsonLines(Stream output, bool flushesEachLine = false) : IDisposable
{
    private const int MaxBuffered = 1 << 15;
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(100);

    private readonly JsonLineBuffer _buffer = new();
    private readonly Stopwatch _sinceFlush = Stopwatch.StartNew();

    /// <summary>Writes an object on a line.</summary>
    public void Write(Action<Utf8JsonWriter> writeMembers)
    {
        _buffer.Write(writeMembers);
        FlushIfDue();
    }

    /// <summary>Writes a line for a document: where it comes from, its kept fields, then what a command has computed.</summary>
    public void Write(InputDocument document, Action<Utf8JsonWriter> writeResult)
    {
        _buffer.Write(document, writeResult);
        FlushIfDue();
    }

    /// <summary>Writes lines at once.</summary>
    public void Write(ReadOnlySpan<byte> lines)
    {
        Flush();
        output.Write(lines);
        output.Flush();
    }

    /// <summary>Writes the lines that are there.</summary>
    public void Flush()
    {
        try
        {
            output.Write(_buffer.Lines);
            output.Flush();
        }
        finally
        {
            // Where the output takes a part only, what it has taken must not be written again.
            _buffer.Clear();
            _sinceFlush.Restart();
        }
    }

    public void Dispose() => _buffer.Dispose();

    private void FlushIfDue()
    {
        if (flushesEachLine || _buffer.Lines.Length >= MaxBuffered || _sinceFlush.Elapsed >= s_delay)
            Flush();
    }
}
