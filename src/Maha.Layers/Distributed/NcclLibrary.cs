using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Maha.Layers.Distributed;

/// <summary>The functions of NCCL that a process group needs. The library comes with the CUDA builds of libtorch, or with the system.</summary>
internal sealed unsafe partial class NcclLibrary
{
    /// <summary>NCCL's type of bytes.</summary>
    public const int Bytes = 1;

    /// <summary>NCCL's type of float32.</summary>
    public const int Floats = 7;

    /// <summary>NCCL's type of float64.</summary>
    public const int Doubles = 8;

    /// <summary>NCCL's operation that adds.</summary>
    public const int Addition = 0;

    private static readonly string[] s_names = ["libnccl.so.2", "libnccl.so"];
    private static readonly Lazy<NcclLibrary> s_loaded = new(() => new NcclLibrary());

    private readonly nint _handle;
    private readonly delegate* unmanaged<int, byte*> _describe;

    private NcclLibrary()
    {
        nint handle = _handle = Load();
        GetUniqueId = (delegate* unmanaged<NcclId*, int>)NativeLibrary.GetExport(handle, "ncclGetUniqueId");
        Join = (delegate* unmanaged<nint*, int, NcclId, int, int>)NativeLibrary.GetExport(handle, "ncclCommInitRank");
        AllReduce = (delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)NativeLibrary.GetExport(handle, "ncclAllReduce");
        Broadcast = (delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int>)NativeLibrary.GetExport(handle, "ncclBroadcast");
        Abort = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(handle, "ncclCommAbort");
        _describe = (delegate* unmanaged<int, byte*>)NativeLibrary.GetExport(handle, "ncclGetErrorString");
    }

    /// <summary>The library, loaded at the first use.</summary>
    /// <exception cref="DistributedException">It can't be found.</exception>
    public static NcclLibrary Instance => s_loaded.Value;

    public delegate* unmanaged<NcclId*, int> GetUniqueId { get; }

    public delegate* unmanaged<nint*, int, NcclId, int, int> Join { get; }

    public delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int> AllReduce { get; }

    public delegate* unmanaged<void*, void*, nuint, int, int, nint, nint, int> Broadcast { get; }

    /// <summary>Divides a communicator. It is looked up when it is needed: under mpirun it is not, so that an older NCCL does.</summary>
    /// <exception cref="DistributedException">NCCL is older than 2.18.</exception>
    public delegate* unmanaged<nint, int, int, nint*, void*, int> Split =>
        (delegate* unmanaged<nint, int, int, nint*, void*, int>)Newer(_handle, "ncclCommSplit");

    public delegate* unmanaged<nint, int> Abort { get; }

    /// <summary>Throws where a call failed.</summary>
    /// <exception cref="DistributedException">The result is not 0.</exception>
    public void Check(int result, string call)
    {
        if (result == 0)
            return;
        throw new DistributedException(
            $"An exchange between GPUs must succeed, but {call} failed with {result}: {Marshal.PtrToStringUTF8((nint)_describe(result))}. " +
            "Set the environment variable NCCL_DEBUG to WARN to see the cause.");
    }

    /// <summary>Sets a variable of the environment that NCCL reads. .NET's own environment is a copy, which native code does not see.</summary>
    public void SetVariable(string name, string value)
    {
        if (SetEnvironmentVariable(name, value, overwrite: 1) != 0)
            throw new DistributedException($"The environment variable {name} must be set for NCCL, but could not be. Set it to {value} before the start.");
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironmentVariable(string name, string value, int overwrite);

    private static nint Newer(nint handle, string name) => NativeLibrary.TryGetExport(handle, name, out nint function) ? function
        : throw new DistributedException(
            $"NCCL must have version 2.18 or later, but the loaded one has no {name}. Install the libnccl2 of your CUDA version, or set LD_LIBRARY_PATH to its folder.");

    private static nint Load()
    {
        foreach (string name in s_names.Concat(FilesBesideTorch()))
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
                return handle;
        }
        throw new DistributedException(
            $"A training on several GPUs needs NCCL, but none of {string.Join(", ", s_names)} can be loaded. Install libnccl2 of your CUDA version, or set " +
            "LD_LIBRARY_PATH to its folder.");
    }

    // PyTorch's packages have it in a folder beside those of the other libraries of CUDA.
    private static IEnumerable<string> FilesBesideTorch()
    {
        using var process = Process.GetCurrentProcess();
        return
        [
            .. process.Modules.Cast<ProcessModule>()
                .Where(module => module.FileName.Contains("cudart", StringComparison.Ordinal) || module.FileName.Contains("torch_cuda", StringComparison.Ordinal))
                .Select(module => Path.GetDirectoryName(module.FileName)!)
                .SelectMany(folder => new[] { Path.Combine(folder, s_names[0]), Path.Combine(folder, "..", "..", "nccl", "lib", s_names[0]) })
                .Where(File.Exists),
        ];
    }
}

/// <summary>NCCL's name of a group of processes, which all of them need to join it.</summary>
internal unsafe struct NcclId
{
    /// <summary>The number of bytes.</summary>
    public const int Size = 128;

    /// <summary>The bytes.</summary>
    public fixed byte Bytes[Size];
}
