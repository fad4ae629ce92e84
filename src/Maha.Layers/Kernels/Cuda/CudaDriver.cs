using System.Runtime.InteropServices;

namespace Maha.Layers.Kernels;

/// <summary>The functions of the CUDA driver API that load and launch kernels. Each returns 0 or an error code, which <see cref="Check"/> turns into words.</summary>
internal static unsafe partial class CudaDriver
{
    /// <summary>The attribute of a function: the most dynamic shared memory of a block, in bytes.</summary>
    public const int MaxDynamicSharedBytes = 8;

    /// <summary>The attribute of a device: its number of multiprocessors.</summary>
    public const int MultiprocessorCount = 16;

    /// <summary>The attribute of a device: its compute capability before the point.</summary>
    public const int ComputeCapabilityMajor = 75;

    /// <summary>The attribute of a device: its compute capability after the point.</summary>
    public const int ComputeCapabilityMinor = 76;

    /// <summary>The attribute of a device: the most shared memory that a block can ask for, in bytes.</summary>
    public const int MaxSharedBytesPerBlock = 97;

    /// <summary>The flag of an event that nothing is timed by.</summary>
    public const uint EventDisableTiming = 2;

    /// <summary>The flag of a stream that does not wait for the default stream, nor that one for it.</summary>
    public const uint StreamNonBlocking = 1;

    static CudaDriver() => CudaLibraries.Register();

    /// <summary>Throws where a call failed.</summary>
    /// <exception cref="CudaException">The result is not 0.</exception>
    public static void Check(int result, string call)
    {
        if (result != 0)
            throw new CudaException($"{call} failed: {Describe(result)}.");
    }

    /// <summary>Returns the name and the text of an error code.</summary>
    public static string Describe(int result)
    {
        byte* name = null, text = null;
        _ = GetErrorName(result, &name);
        _ = GetErrorString(result, &text);
        return $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"} ({result}: {Marshal.PtrToStringUTF8((nint)text) ?? "no text"})";
    }

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuInit")]
    public static partial int Initialize(uint flags);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuDriverGetVersion")]
    public static partial int GetVersion(int* version);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuDeviceGet")]
    public static partial int GetDevice(int* device, int ordinal);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuDeviceGetName")]
    public static partial int GetDeviceName(byte* name, int length, int device);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuDeviceGetAttribute")]
    public static partial int GetDeviceAttribute(int* value, int attribute, int device);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial int GetDeviceMemory(nuint* bytes, int device);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int RetainPrimaryContext(nint* context, int device);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuCtxGetCurrent")]
    public static partial int GetCurrentContext(nint* context);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuCtxSetCurrent")]
    public static partial int SetCurrentContext(nint context);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuModuleLoadData")]
    public static partial int LoadModule(nint* module, void* image);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuModuleUnload")]
    public static partial int UnloadModule(nint module);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuModuleGetFunction", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetFunction(nint* function, nint module, string name);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuFuncSetAttribute")]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuOccupancyMaxActiveBlocksPerMultiprocessor")]
    public static partial int GetBlocksPerMultiprocessor(int* blocks, nint function, int blockSize, nuint dynamicSharedBytes);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuLaunchKernel")]
    public static partial int Launch(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, void** parameters, void** extra);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuLaunchCooperativeKernel")]
    public static partial int LaunchCooperative(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, void** parameters);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuEventCreate")]
    public static partial int CreateEvent(nint* created, uint flags);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuEventRecord")]
    public static partial int RecordEvent(nint recorded, nint stream);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuEventSynchronize")]
    public static partial int SynchronizeEvent(nint awaited);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuEventDestroy_v2")]
    public static partial int DestroyEvent(nint destroyed);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuStreamCreate")]
    public static partial int CreateStream(nint* created, uint flags);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuStreamSynchronize")]
    public static partial int SynchronizeStream(nint stream);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuMemAlloc_v2")]
    public static partial int Allocate(nint* created, nuint bytes);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int CopyToDevice(nint target, void* source, nuint bytes, nint stream);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int CopyToHost(void* target, nint source, nuint bytes, nint stream);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuGetErrorName")]
    private static partial int GetErrorName(int error, byte** name);

    [LibraryImport(CudaLibraries.Driver, EntryPoint = "cuGetErrorString")]
    private static partial int GetErrorString(int error, byte** text);
}
