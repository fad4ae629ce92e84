using Maha.Benchmarks.Distributed;

namespace Maha.Benchmarks.Tests.Distributed;

/// <summary>A test that starts processes by Open MPI's <c>mpirun</c>; skipped where it is not installed.</summary>
internal sealed class MpiFactAttribute : FactAttribute
{
    public MpiFactAttribute()
    {
        if (!MpiRun.IsInstalled)
            Skip = "needs mpirun of Open MPI (Debian: openmpi-bin)";
    }
}
