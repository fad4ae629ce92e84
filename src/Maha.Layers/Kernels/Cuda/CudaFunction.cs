namespace Maha.Layers.Kernels;

/// <summary>A kernel that is loaded on a device. Its module owns it.</summary>
internal sealed unsafe class CudaFunction
{
    // A block can always have this much dynamic shared memory; for more the function must ask.
    private const int DefaultSharedBytes = 48 * 1024;

    // Torch's current stream on every thread, because TorchSharp has no other: the default stream of the device.
    private const nint DefaultStream = 0;

    private readonly CudaModule _module;
    private readonly nint _handle;
    private int _sharedBytes = DefaultSharedBytes;

    internal CudaFunction(CudaModule module, nint handle, string name)
    {
        (_module, _handle, Name) = (module, handle, name);
    }

    /// <summary>The name in the source.</summary>
    public string Name { get; }

    /// <summary>Launches the kernel on the default stream of its device, after all work that torch has queued there.</summary>
    /// <param name="gridX">The number of blocks.</param>
    /// <param name="gridY">The number of blocks in the second dimension, at most 65,535.</param>
    /// <param name="gridZ">The number of blocks in the third dimension, at most 65,535.</param>
    /// <param name="blockX">The number of threads per block.</param>
    /// <param name="sharedBytes">The dynamic shared memory per block.</param>
    /// <param name="arguments">The arguments in the order and of the sizes that the kernel declares.</param>
    /// <exception cref="CudaException">The driver refuses the launch, or an earlier kernel failed.</exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    public void Launch(int gridX, int gridY, int gridZ, int blockX, int sharedBytes, params ReadOnlySpan<CudaArgument> arguments) =>
        Launch(cooperative: false, gridX, gridY, gridZ, blockX, sharedBytes, arguments);

    /// <summary>Launches the kernel with all blocks resident at once, so that they can wait for each other (a barrier over the grid).</summary>
    /// <inheritdoc cref="Launch(int, int, int, int, int, ReadOnlySpan{CudaArgument})"/>
    /// <remarks>The grid may have at most <see cref="ResidentBlocks"/> blocks.</remarks>
    public void LaunchCooperative(int gridX, int blockX, int sharedBytes, params ReadOnlySpan<CudaArgument> arguments) =>
        Launch(cooperative: true, gridX, 1, 1, blockX, sharedBytes, arguments);

    /// <summary>Returns the number of blocks that the device runs at once.</summary>
    public int ResidentBlocks(int blockX, int sharedBytes)
    {
        ObjectDisposedException.ThrowIf(_module.IsDisposed, _module);
        using var current = _module.Device.MakeCurrent();
        Reserve(sharedBytes);
        int blocks;
        CudaDriver.Check(
            CudaDriver.GetBlocksPerMultiprocessor(&blocks, _handle, blockX, (nuint)sharedBytes), "cuOccupancyMaxActiveBlocksPerMultiprocessor");
        return blocks * _module.Device.Multiprocessors;
    }

    private void Launch(bool cooperative, int gridX, int gridY, int gridZ, int blockX, int sharedBytes, ReadOnlySpan<CudaArgument> arguments)
    {
        ObjectDisposedException.ThrowIf(_module.IsDisposed, _module);
        void** addresses = stackalloc void*[Math.Max(1, arguments.Length)];
        using var current = _module.Device.MakeCurrent();
        Reserve(sharedBytes);
        int result;
        fixed (CudaArgument* first = arguments)
        {
            CudaArgument.Collect(first, arguments.Length, addresses);
            var (x, y, z, threads, shared) = ((uint)gridX, (uint)gridY, (uint)gridZ, (uint)blockX, (uint)sharedBytes);
            result = cooperative
                ? CudaDriver.LaunchCooperative(_handle, x, y, z, threads, 1, 1, shared, DefaultStream, addresses)
                : CudaDriver.Launch(_handle, x, y, z, threads, 1, 1, shared, DefaultStream, addresses, null);
        }
        if (result != 0)
        {
            throw new CudaException(
                $"The kernel {Name} of {_module.Source} was not launched with a grid of {gridX} x {gridY} x {gridZ} blocks of {blockX} threads and "
                + $"{sharedBytes} bytes of shared memory: {CudaDriver.Describe(result)}.");
        }
        CudaKernels.CountLaunch();
    }

    // The attribute only grows: a launch that needs less is not affected by it.
    private void Reserve(int sharedBytes)
    {
        if (sharedBytes <= Volatile.Read(ref _sharedBytes))
            return;
        lock (_module)
        {
            if (sharedBytes <= _sharedBytes)
                return;
            CudaDriver.Check(CudaDriver.SetFunctionAttribute(_handle, CudaDriver.MaxDynamicSharedBytes, sharedBytes), "cuFuncSetAttribute");
            Volatile.Write(ref _sharedBytes, sharedBytes);
        }
    }
}
