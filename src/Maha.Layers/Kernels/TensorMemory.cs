using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>Access of kernels to the elements of a tensor.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>Whether kernels can work on a tensor: float32 or float64 in CPU memory.</summary>
    public static bool Reachable(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && (tensor.dtype == ScalarType.Float32 || tensor.dtype == ScalarType.Float64);

    /// <summary>Returns the address of the first element of a contiguous tensor. The caller must keep the tensor alive while it uses the pointer.</summary>
    public static T* Pointer<T>(Tensor tensor)
        where T : unmanaged
    {
        if (tensor.numel() == 0)
            return null;

        if (tensor.numel() <= int.MaxValue / sizeof(T))
            return (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

        // A span counts its bytes in an int, which is too small for large activations. A view of one element has the same address.
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        return (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    /// <summary>Returns the addresses of several tensors as numbers, which a lambda can capture.</summary>
    public static nint[] Pointers<T>(IReadOnlyList<Tensor> tensors)
        where T : unmanaged
    {
        nint[] pointers = new nint[tensors.Count];
        for (int i = 0; i < pointers.Length; i++)
            pointers[i] = (nint)Pointer<T>(tensors[i]);
        return pointers;
    }
}
