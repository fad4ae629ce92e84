using System.Text;
using Maha.Documents;
using Maha.Tool.Input;
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
            Try(() => Writer.Write($"\r\e[K{message}"));
            _hasProgress = true;
        }
    }

    /// <summary>Writes the warnings of ML.NET and what Maha's estimators say, with the options of the tool.</summary>
    public void Follow(MLContext context) => context.Log += (_, message) =>
    {
        if (message.Source.Contains(nameof(DocumentDataView), StringComparison.Ordinal))
            return;
        if (message.Kind == ChannelMessageKind.Warning)
            Write($"warning: {ToolTerms.Of(message.RawMessage)}");
        else if (message.Kind == ChannelMessageKind.Info && message.Source.Contains("Maha", StringComparison.Ordinal))
            Write(ToolTerms.Of(message.RawMessage));
    };

    /// <summary>
    /// Returns what writes each document that a view skips as an error: once, since a view reports it in every pass. What the view writes of it to ML.NET's
    /// log is a warning, and ends after a hundred, so that <see cref="Follow"/> leaves it out.
    /// </summary>
    public Action<SkippedDocument> OncePerDocument()
    {
        // Not the reasons, which would be the memory of a long list.
        var written = new HashSet<(string Path, long? Line, int Reason)>();
        return skipped =>
        {
            lock (written)
            {
                if (!written.Add((skipped.Path, skipped.Line, skipped.Reason.GetHashCode(StringComparison.Ordinal))))
                    return;
            }
            Error(ToolTerms.Of(skipped.ToString()));
        };
    }

    private void WriteLine(string message)
    {
        lock (_lock)
        {
            Try(() => Writer.WriteLine(_hasProgress ? $"\r\e[K{message}" : message));
            _hasProgress = false;
        }
    }

    // Results and the exit code are more than messages, which a full disk may not take.
    private static void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException)
        {
        }
    }
}
