using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.ML.TorchSharp;
using TorchSharp;

namespace Peer;

/// <summary>Obstacles that keep ML.NET's classifier from running, other than wrong arguments or documents.</summary>
internal static partial class Obstacle
{
    // ML.NET throws no type of its own for it.
    private const string DownloadFailure = "could not be downloaded";

    /// <summary>Cause and remedy in one line.</summary>
    /// <returns>Null where the exception is none of these.</returns>
    public static string? Of(Exception e) => e switch
    {
        TargetInvocationException { InnerException: { } inner } => Of(inner),
        AggregateException { InnerException: { } inner } => Of(inner),
        InvalidOperationException when e.Message.Contains(DownloadFailure, StringComparison.Ordinal)
            => $"ML.NET's pretrained model could not be downloaded from {Address().Match(e.Message).Value}. Run this where that address can be reached.",
        // Before its base class, TypeLoadException.
        DllNotFoundException or TypeInitializationException or BadImageFormatException
            => $"The native library of TorchSharp {Restored} could not be loaded. {Remedy}",
        MissingMemberException or TypeLoadException
            => $"ML.NET's classifier does not fit TorchSharp {Restored}: {e.Message} {Remedy}",
        _ => null,
    };

    private static string Restored => Show(typeof(torch).Assembly.GetName());

    private static string Remedy
    {
        get
        {
            var classifier = typeof(TorchSharpCatalog).Assembly;
            var wanted = classifier.GetReferencedAssemblies().Single(reference => reference.Name == typeof(torch).Assembly.GetName().Name);
            return $"{classifier.GetName().Name} was compiled against TorchSharp {Show(wanted)}: build this program with a package source that serves it.";
        }
    }

    private static string Show(AssemblyName name) => name.Version!.ToString(3);

    [GeneratedRegex(@"https?://[^\s']+")]
    private static partial Regex Address();
}
