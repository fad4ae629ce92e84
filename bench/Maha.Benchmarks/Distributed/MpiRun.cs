using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.Reliability;

namespace Maha.Benchmarks.Distributed;

/// <summary>Starts this program several times by <c>mpirun</c>.</summary>
internal static class MpiRun
{
    /// <summary>Whether <c>mpirun</c> of Open MPI is installed.</summary>
    public static bool IsInstalled { get; } = FindsOpenMpi();

    /// <summary>The number of this process; null if it was started alone.</summary>
    public static string? Rank => Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_RANK");

    /// <summary>Starts the program.</summary>
    /// <param name="processes">The number of processes; 1 starts it without <c>mpirun</c>.</param>
    /// <param name="arguments">The arguments of each.</param>
    public static ChildRun Start(int processes, params IEnumerable<string> arguments)
    {
        if (processes == 1)
            return new ChildRun(arguments);
        // Open MPI refuses root unless it is told twice, which is what containers run as.
        Environment.SetEnvironmentVariable("OMPI_ALLOW_RUN_AS_ROOT", "1");
        Environment.SetEnvironmentVariable("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        return new ChildRun(
            arguments, readyLine: null, "mpirun", "-n", processes.ToString(CultureInfo.InvariantCulture), "--oversubscribe", "--bind-to", "none");
    }

    private static bool FindsOpenMpi()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("mpirun", ["--version"]) { RedirectStandardOutput = true })!;
            return process.StandardOutput.ReadToEnd().Contains("Open MPI", StringComparison.Ordinal);
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
