namespace Maha.Tool;

/// <summary>The exit codes of the tool.</summary>
internal static class ExitCode
{
    /// <summary>The command did what it was asked for; also where the reader of the output has closed it.</summary>
    public const int Success = 0;

    /// <summary>The command failed, or at least one document could not be read.</summary>
    public const int Failure = 1;

    /// <summary>The command line is not valid.</summary>
    public const int Usage = 2;

    /// <summary>Ctrl+C, as shells number it: 128 and the number of the signal.</summary>
    public const int Interrupted = 130;

    /// <summary>The signal SIGTERM.</summary>
    public const int Terminated = 143;
}
