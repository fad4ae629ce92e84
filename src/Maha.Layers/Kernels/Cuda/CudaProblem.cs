using System.Diagnostics;

namespace Maha.Layers.Kernels;

/// <summary>The reason why kernels are not used, which is written to <see cref="Trace"/> once.</summary>
/// <remarks>The library has no logger of its own; a program listens with <c>Trace.Listeners.Add(new ConsoleTraceListener())</c>.</remarks>
internal sealed class CudaProblem
{
    private string? _reason;

    /// <summary>The first reason; null where there is none.</summary>
    public string? Reason => Volatile.Read(ref _reason);

    /// <summary>Keeps and writes the first reason; later ones are ignored.</summary>
    public void Report(string reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
            Trace.TraceWarning(Message(reason));
    }

    /// <summary>Says that kernels are not used, and why.</summary>
    public static string Message(string reason) => $"Maha.Layers computes with torch's operators in place of its CUDA kernels, which is slower. {reason}";
}
