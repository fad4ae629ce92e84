using System.Runtime.InteropServices;

namespace Maha.Tool;

/// <summary>Ends a command after Ctrl+C or SIGTERM: what is complete is written, and the second signal ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    // Not disposed: a signal can come while the command ends, and its handler uses the source.
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interruption()
        => _registrations = [Register(PosixSignal.SIGINT, Tool.ExitCode.Interrupted), Register(PosixSignal.SIGTERM, Tool.ExitCode.Terminated)];

    /// <summary>Canceled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The exit code of the signal.</summary>
    public int ExitCode { get; private set; } = Tool.ExitCode.Interrupted;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    private PosixSignalRegistration Register(PosixSignal signal, int exitCode) => PosixSignalRegistration.Create(signal, context =>
    {
        if (_source.IsCancellationRequested)
            return;
        context.Cancel = true;
        ExitCode = exitCode;
        _source.Cancel();
    });
}
