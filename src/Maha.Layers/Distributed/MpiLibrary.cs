using System.Runtime.InteropServices;

namespace Maha.Layers.Distributed;

/// <summary>The functions and constants of Open MPI's library that a process group needs.</summary>
/// <remarks>
/// The constants of MPI are objects of the library in Open MPI, and numbers in other implementations: a library without the objects is refused.
/// </remarks>
internal sealed unsafe class MpiLibrary
{
    private const int MaxErrorLength = 256;

    private static readonly string[] s_names = OperatingSystem.IsMacOS() ? ["libmpi.40.dylib", "libmpi.dylib"] : ["libmpi.so.40", "libmpi.so"];
    private static readonly Lazy<MpiLibrary> s_loaded = new(() => new MpiLibrary());

    private readonly nint _handle;

    private MpiLibrary()
    {
        _handle = Load();
        World = Constant("ompi_mpi_comm_world");
        Bytes = Constant("ompi_mpi_byte");
        Floats = Constant("ompi_mpi_float");
        Doubles = Constant("ompi_mpi_double");
        Addition = Constant("ompi_mpi_op_sum");
        IsInitialized = (delegate* unmanaged<int*, int>)Function("MPI_Initialized");
        IsFinalized = (delegate* unmanaged<int*, int>)Function("MPI_Finalized");
        Initialize = (delegate* unmanaged<int*, nint, int, int*, int>)Function("MPI_Init_thread");
        Finalize = (delegate* unmanaged<int>)Function("MPI_Finalize");
        GetRank = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_rank");
        GetSize = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_size");
        Duplicate = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Comm_dup");
        AllReduce = (delegate* unmanaged<nint, void*, int, nint, nint, nint, int>)Function("MPI_Allreduce");
        Broadcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Function("MPI_Bcast");
        BeginBarrier = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Ibarrier");
        Test = (delegate* unmanaged<nint*, int*, nint, int>)Function("MPI_Test");
        Abort = (delegate* unmanaged<nint, int, int>)Function("MPI_Abort");
        _describe = (delegate* unmanaged<int, byte*, int*, int>)Function("MPI_Error_string");
    }

    private readonly delegate* unmanaged<int, byte*, int*, int> _describe;

    /// <summary>The library, loaded at the first use.</summary>
    /// <exception cref="DistributedException">It can't be found, or is not Open MPI.</exception>
    public static MpiLibrary Instance => s_loaded.Value;

    /// <summary>The value that makes <see cref="AllReduce"/> read where it writes.</summary>
    public static nint InPlace => 1;

    /// <summary>The level of threads at which one thread at a time calls the library.</summary>
    public static int Serialized => 2;

    public nint World { get; }

    public nint Bytes { get; }

    public nint Floats { get; }

    public nint Doubles { get; }

    public nint Addition { get; }

    public delegate* unmanaged<int*, int> IsInitialized { get; }

    public delegate* unmanaged<int*, int> IsFinalized { get; }

    public delegate* unmanaged<int*, nint, int, int*, int> Initialize { get; }

    public delegate* unmanaged<int> Finalize { get; }

    public delegate* unmanaged<nint, int*, int> GetRank { get; }

    public delegate* unmanaged<nint, int*, int> GetSize { get; }

    public delegate* unmanaged<nint, nint*, int> Duplicate { get; }

    public delegate* unmanaged<nint, void*, int, nint, nint, nint, int> AllReduce { get; }

    public delegate* unmanaged<void*, int, nint, int, nint, int> Broadcast { get; }

    public delegate* unmanaged<nint, nint*, int> BeginBarrier { get; }

    public delegate* unmanaged<nint*, int*, nint, int> Test { get; }

    public delegate* unmanaged<nint, int, int> Abort { get; }

    /// <summary>Throws where a call failed.</summary>
    /// <exception cref="DistributedException">The result is not 0.</exception>
    public void Check(int result, string call)
    {
        if (result == 0)
            return;
        byte* text = stackalloc byte[MaxErrorLength];
        int length = 0;
        string description = _describe(result, text, &length) == 0 ? Marshal.PtrToStringUTF8((nint)text, length) : "unknown error";
        throw new DistributedException(
            $"An exchange between the processes of a training must succeed, but {call} failed with {result}: {description}. Look at the messages of mpirun.");
    }

    private static nint Load()
    {
        foreach (string name in s_names)
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
                return handle;
        }
        throw new DistributedException(
            $"A training under mpirun needs Open MPI's library, but none of {string.Join(", ", s_names)} can be loaded. " +
            "Install it (Debian and Ubuntu: apt install openmpi-bin), or set LD_LIBRARY_PATH to its folder.");
    }

    private nint Constant(string name) => NativeLibrary.TryGetExport(_handle, name, out nint address)
        ? address
        : throw new DistributedException(
            $"The MPI library must be Open MPI, but the one that was loaded has no '{name}'. Put the folder of Open MPI's libmpi first in LD_LIBRARY_PATH.");

    private nint Function(string name) => NativeLibrary.GetExport(_handle, name);
}
