using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>An argument of a kernel: a number of at most 8 bytes, the device address of a tensor's first element, or a structure passed by value.</summary>
/// <remarks>
/// The caller keeps tensors and structures alive until the launch returns. A tensor may be disposed then, because its memory is reused in stream order.
/// </remarks>
internal readonly unsafe partial struct CudaArgument
{
    private readonly ulong _bits;
    private readonly void* _structure;

    static CudaArgument() => CudaLibraries.Register();

    private CudaArgument(ulong bits, void* structure = null)
    {
        _bits = bits;
        _structure = structure;
    }

    public static implicit operator CudaArgument(int value) => new((uint)value);

    public static implicit operator CudaArgument(uint value) => new(value);

    public static implicit operator CudaArgument(long value) => new((ulong)value);

    public static implicit operator CudaArgument(nint value) => new((ulong)value);

    public static implicit operator CudaArgument(float value) => new(BitConverter.SingleToUInt32Bits(value));

    public static implicit operator CudaArgument(double value) => new(BitConverter.DoubleToUInt64Bits(value));

    /// <summary>The address of a tensor's first element, its offset in the storage included; null for a missing tensor.</summary>
    public static implicit operator CudaArgument(Tensor? tensor) => tensor is null ? new(0) : new((ulong)Address(tensor));

    /// <summary>A structure passed by value, of the layout that the kernel declares. It must not move until the launch returns.</summary>
    public static CudaArgument Structure<T>(T* structure)
        where T : unmanaged => new(0, structure);

    /// <summary>Returns the address of a tensor's first element, in the memory of its device.</summary>
    public static nint Address(Tensor tensor)
    {
        nint address = GetData(tensor.Handle);
        GC.KeepAlive(tensor);
        return address;
    }

    /// <summary>Fills the addresses that the driver reads the arguments from.</summary>
    internal static void Collect(CudaArgument* arguments, int count, void** addresses)
    {
        for (int i = 0; i < count; i++)
            addresses[i] = arguments[i]._structure != null ? arguments[i]._structure : Unsafe.AsPointer(ref Unsafe.AsRef(in arguments[i]._bits));
    }

    [LibraryImport(CudaLibraries.Torch, EntryPoint = "THSTensor_data")]
    private static partial nint GetData(nint tensor);
}
