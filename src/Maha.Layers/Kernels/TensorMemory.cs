using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>Where a kernel finds the elements of a tensor.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>Whether the kernels can work on a tensor: float32 or float64 in the processor's memory.</summary>
    public static bool Reachable(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && (tensor.dtype == ScalarType.Float32 || tensor.dtype == ScalarType.Float64);

    /// <summary>The first element of a contiguous tensor. The caller keeps the tensor alive while it uses the pointer.</summary>
    public static T* Pointer<T>(Tensor tensor)
        where T : unmanaged
    {
        if (tensor.numel() == 0)
            return null;

        if (tensor.numel() <= int.MaxValue / sizeof(T))
            return (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

        // A span counts bytes in int, and large activations have more of them: the view of one element starts at the same place.
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        return (T*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    /// <summary>The first elements of several tensors, as numbers that a lambda may capture.</summary>
    public static nint[] Pointers<T>(IReadOnlyList<Tensor> tensors)
        where T : unmanaged
    {
        nint[] pointers = new nint[tensors.Count];
        for (int i = 0; i < pointers.Length; i++)
            pointers[i] = (nint)Pointer<T>(tensors[i]);
        return pointers;
    }
}
