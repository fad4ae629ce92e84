namespace Maha.Benchmarks;

/// <summary>The exit codes of the process.</summary>
internal static class ExitCode
{
    /// <summary>Every measurement succeeded and is within its limits.</summary>
    public const int Success = 0;

    /// <summary>A measurement is outside its limits.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;
}
