using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The CUDA kernels of windowed attention for one element type and head width.</summary>
/// <param name="tiles">The shape of the work of a block of threads.</param>
internal abstract unsafe class WindowKernels(WindowTiles tiles)
{
    // Copies to shared memory in the background and products in TF32 need it.
    private const int MinCapability = 80;

    /// <summary>The shape of the work of a block of threads.</summary>
    public WindowTiles Tiles { get; } = tiles;

    /// <summary>Returns the kernels for a tensor; null where there are none, or they can't be used.</summary>
    public static WindowKernels? For(Tensor operand, int headDim)
    {
        if (!WindowTiles.IsSupported(operand.dtype, headDim) || !CudaKernels.CanUse(operand))
            return null;
        int capability = CudaDevice.Get(operand.device_index).ComputeCapability;
        if (capability < MinCapability)
            return null;
        var tiles = WindowTiles.For(operand.dtype, headDim, capability);
        if (CudaKernels.TryGetModule(operand, "window_forward.cu", tiles.Options) is not { } forward)
            return null;

        // A prediction does not wait for the backward pass to be compiled.
        var backward = is_grad_enabled() ? CudaKernels.TryGetModule(operand, "window_backward.cu", tiles.Options) : null;
        return backward is null && is_grad_enabled() ? null : new DeviceKernels(tiles, forward, backward);
    }

    /// <summary>Launches a kernel of the forward pass, or of the backward pass.</summary>
    public abstract void Launch(bool isBackward, string name, long blocks, int sharedBytes, ref WindowCall call);

    /// <summary>Returns the address of a tensor's first element.</summary>
    public abstract nint AddressOf(Tensor tensor);

    // Without a backward module no gradients are recorded.
    private sealed class DeviceKernels(WindowTiles tiles, CudaModule forward, CudaModule? backward) : WindowKernels(tiles)
    {
        public override void Launch(bool isBackward, string name, long blocks, int sharedBytes, ref WindowCall call)
        {
            fixed (WindowCall* argument = &call)
            {
                (isBackward ? backward! : forward).GetFunction(name).Launch(
                    checked((int)blocks), 1, 1, WindowTiles.Threads, sharedBytes, CudaArgument.Structure(argument));
            }
        }

        public override nint AddressOf(Tensor tensor) => CudaArgument.Address(tensor);
    }
}
