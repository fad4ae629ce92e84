using System.Text;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Maha.Tool.Output;

/// <summary>Standard error: errors, warnings, and on a terminal the progress.</summary>
internal sealed class Messages
{
    private readonly Lock _lock = new();
    private bool _hasProgress;

    /// <summary>UTF-8 in every locale.</summary>
    public TextWriter Writer { get; } = TextWriter.Synchronized(
        new StreamWriter(Console.OpenStandardError(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true });

    /// <summary>Whether only errors are written.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Writes an error.</summary>
    public void Error(string message) => WriteLine($"maha: {message}");

    /// <summary>Writes a message, unless quiet.</summary>
    public void Write(string message)
    {
        if (!IsQuiet)
            WriteLine(message);
    }

    /// <summary>Replaces the line of the progress, on a terminal only.</summary>
    public void Progress(string message)
    {
        if (IsQuiet || Console.IsErrorRedirected)
            return;
        lock (_lock)
        {
            Writer.Write($"\r\e[K{message}");
            _hasProgress = true;
        }
    }

    /// <summary>Writes the warnings of ML.NET and what Maha's estimators say.</summary>
    public void Follow(MLContext context) => context.Log += (_, message) =>
    {
        if (message.Kind == ChannelMessageKind.Warning)
            Write($"warning: {message.RawMessage}");
        else if (message.Kind == ChannelMessageKind.Info && message.Source.Contains("Maha", StringComparison.Ordinal))
            Write(message.RawMessage);
    };

    private void WriteLine(string message)
    {
        lock (_lock)
        {
            if (_hasProgress)
                Writer.Write("\r\e[K");
            _hasProgress = false;
            Writer.WriteLine(message);
        }
    }
}
