using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Maha.Layers.Kernels;

/// <summary>A CUDA device and its primary context, which is the one that libtorch uses.</summary>
internal sealed unsafe class CudaDevice
{
    private const int MaxNameBytes = 256;

    private static readonly ConcurrentDictionary<int, Lazy<CudaDevice>> s_devices = new();

    private readonly nint _context;

    private CudaDevice(int index)
    {
        Index = index;
        CudaDriver.Check(CudaDriver.Initialize(0), "cuInit");
        int device, version;
        CudaDriver.Check(CudaDriver.GetVersion(&version), "cuDriverGetVersion");
        CudaDriver.Check(CudaDriver.GetDevice(&device, index), "cuDeviceGet");
        nint context;
        CudaDriver.Check(CudaDriver.RetainPrimaryContext(&context, device), "cuDevicePrimaryCtxRetain");
        _context = context;
        byte* name = stackalloc byte[MaxNameBytes];
        CudaDriver.Check(CudaDriver.GetDeviceName(name, MaxNameBytes, device), "cuDeviceGetName");
        Name = Marshal.PtrToStringUTF8((nint)name)!;
        DriverVersion = version;
        nuint memory;
        CudaDriver.Check(CudaDriver.GetDeviceMemory(&memory, device), "cuDeviceTotalMem");
        MemoryBytes = (long)memory;
        ComputeCapability = (Attribute(CudaDriver.ComputeCapabilityMajor, device) * 10) + Attribute(CudaDriver.ComputeCapabilityMinor, device);
        Multiprocessors = Attribute(CudaDriver.MultiprocessorCount, device);
        MaxSharedBytes = Attribute(CudaDriver.MaxSharedBytesPerBlock, device);
    }

    /// <summary>The number of the device, as in torch.</summary>
    public int Index { get; }

    /// <summary>The name of the card.</summary>
    public string Name { get; }

    /// <summary>The CUDA version of the driver: 1000 times the major plus 10 times the minor version.</summary>
    public int DriverVersion { get; }

    /// <summary>10 times the major plus the minor version, for instance 90 on an H100.</summary>
    public int ComputeCapability { get; }

    /// <summary>The number of multiprocessors.</summary>
    public int Multiprocessors { get; }

    /// <summary>The most shared memory that a block can ask for, in bytes.</summary>
    public int MaxSharedBytes { get; }

    /// <summary>The memory of the card, in bytes.</summary>
    public long MemoryBytes { get; }

    /// <summary>Returns a device. Its primary context stays in use until the process ends.</summary>
    /// <exception cref="CudaException">The driver has no such device.</exception>
    public static CudaDevice Get(int index) => s_devices.GetOrAdd(index, key => new Lazy<CudaDevice>(() => new CudaDevice(key))).Value;

    /// <summary>Makes the context current on this thread until the result is disposed.</summary>
    /// <remarks>
    /// On the device that torch uses, the context is current already, except on a thread that has not called torch's CUDA part: the cost is one call of the
    /// driver. Another device's context is set back, because the CUDA runtime, and so torch, takes its current device from it.
    /// </remarks>
    public Current MakeCurrent()
    {
        nint before;
        CudaDriver.Check(CudaDriver.GetCurrentContext(&before), "cuCtxGetCurrent");
        if (before == _context)
            return default;
        CudaDriver.Check(CudaDriver.SetCurrentContext(_context), "cuCtxSetCurrent");
        return new Current(before);
    }

    private static int Attribute(int attribute, int device)
    {
        int value;
        CudaDriver.Check(CudaDriver.GetDeviceAttribute(&value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }

    /// <summary>The context to set back; none for the default value.</summary>
    public readonly ref struct Current(nint before)
    {
        private readonly nint _before = before;

        public void Dispose()
        {
            if (_before != 0)
                _ = CudaDriver.SetCurrentContext(_before);
        }
    }
}
