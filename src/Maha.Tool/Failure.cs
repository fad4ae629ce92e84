using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Maha.Layers.Core;
using Maha.Layers.Training;
using Maha.Onnx;
using Maha.Tool.Input;
using Maha.Tool.Output;

namespace Maha.Tool;

/// <summary>Exceptions as messages and exit codes.</summary>
internal static class Failure
{
    /// <summary>Reports an exception that ends a command.</summary>
    public static int ExitCodeOf(Exception exception, Messages messages, Interruption interruption)
    {
        var reason = ReasonOf(exception);
        switch (reason)
        {
            case ClosedPipeException:
                // The reader has what it wants, as in 'maha predict ... | head -1'.
                return ExitCode.Success;
            case OperationCanceledException when interruption.Token.IsCancellationRequested:
                messages.Error("interrupted");
                return interruption.ExitCode;
            case UsageException:
                messages.Error(reason.Message);
                return ExitCode.Usage;
            case NotSupportedException when reason.Source == typeof(OnnxExportOptions).Assembly.GetName().Name:
                // A model of a kind that has no export.
                messages.Error(ToolTerms.Of(reason));
                return ExitCode.Usage;
            default:
                messages.Error(IsExpected(reason) ? ToolTerms.Of(reason) : $"unexpected error: {reason}");
                return ExitCode.Failure;
        }
    }

    /// <summary>The exception of an input in which every document is an error. What a command says of an input without documents would be misleading.</summary>
    /// <param name="errors">The number of these documents.</param>
    public static InvalidDataException NothingReadable(long errors) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"There must be a document that can be read, but {(errors == 1 ? "the only one" : $"each of {errors}")} is an error. Look at the messages above."));

    private static bool IsExpected(Exception e) => e is InvalidOperationException or ArgumentException or FormatException or InvalidDataException
        or IOException or UnauthorizedAccessException or TimeoutException or JsonException or TorchUnavailableException or TrainingDivergedException;

    // ML.NET creates the parts of a saved model by reflection, which wraps what they throw.
    private static Exception ReasonOf(Exception e) => e is TargetInvocationException { InnerException: { } inner } ? ReasonOf(inner) : e;
}
