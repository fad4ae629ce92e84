using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>Tensors that are made from arrays and used on a device.</summary>
internal static class HostTensors
{
    /// <summary>Creates a tensor on a device. A copy to a CUDA device is queued: the call does not wait for it, nor for the work queued before.</summary>
    /// <param name="values">The elements. The tensor may go on using the array.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="device">The device; null for the CPU.</param>
    public static Tensor Create(long[] values, ReadOnlySpan<long> shape, Device? device) => Move(tensor(values, shape), device);

    /// <inheritdoc cref="Create(long[], ReadOnlySpan{long}, Device?)"/>
    public static Tensor Create(bool[] values, ReadOnlySpan<long> shape, Device? device) => Move(tensor(values, shape), device);

    /// <inheritdoc cref="Create(long[], ReadOnlySpan{long}, Device?)"/>
    public static Tensor Create(int[] values, ReadOnlySpan<long> shape, Device? device) => Move(tensor(values, shape), device);

    /// <summary>Creates a tensor of a floating-point type on a device.</summary>
    /// <param name="values">The elements.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="device">The device; null for the CPU.</param>
    public static Tensor Create(float[] values, ReadOnlySpan<long> shape, ScalarType type, Device? device) => Move(tensor(values, shape, dtype: type), device);

    /// <inheritdoc cref="Create(float[], ReadOnlySpan{long}, ScalarType, Device?)"/>
    public static Tensor Create(double[] values, ReadOnlySpan<long> shape, ScalarType type, Device? device) => Move(tensor(values, shape, dtype: type), device);

    // Torch waits for a copy from memory that the system can move. It keeps pinned memory until the copy is done, also where the tensor is disposed before.
    private static Tensor Move(Tensor host, Device? device)
    {
        if (device is null || device.type != DeviceType.CUDA)
            return device is null || device.type == DeviceType.CPU ? host : host.to(device, disposeAfter: true);
        using (host)
        {
            using var pinned = host.pin_memory();
            return pinned.to(device, non_blocking: true);
        }
    }
}
