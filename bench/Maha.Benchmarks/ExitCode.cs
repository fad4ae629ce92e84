namespace Maha.Benchmarks;

/// <summary>What the process ends with.</summary>
internal static class ExitCode
{
    /// <summary>Everything was measured and holds.</summary>
    public const int Success = 0;

    /// <summary>Something was measured and does not hold.</summary>
    public const int Failure = 1;

    /// <summary>The command line asks for something that does not exist.</summary>
    public const int Usage = 2;
}
