using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>The kernels of a source that take one structure as their argument.</summary>
internal abstract unsafe class CudaLauncher
{
    /// <summary>Returns the kernels of a source; null where they can't be used.</summary>
    /// <param name="tensor">The tensor on whose device the kernels are to run.</param>
    /// <param name="source">The file name in <see cref="CudaSources"/>.</param>
    /// <param name="options">As for <see cref="CudaModule.Get"/>.</param>
    public static CudaLauncher? TryGet(Tensor tensor, string source, string options) =>
        CudaKernels.TryGetModule(tensor, source, options) is { } module ? new ModuleLauncher(module) : null;

    /// <summary>Launches a kernel.</summary>
    /// <param name="kernel">The name in the source.</param>
    /// <param name="gridX">The number of blocks.</param>
    /// <param name="gridY">The number of blocks in the second dimension, at most 65,535.</param>
    /// <param name="gridZ">The number of blocks in the third dimension, at most 65,535.</param>
    /// <param name="threads">The number of threads per block.</param>
    /// <param name="call">The argument, of the layout that the source declares.</param>
    public abstract void Launch<T>(string kernel, long gridX, int gridY, int gridZ, int threads, ref T call)
        where T : unmanaged;

    /// <summary>Returns the address of a tensor's first element on its device.</summary>
    public abstract nint AddressOf(Tensor tensor);

    private sealed class ModuleLauncher(CudaModule module) : CudaLauncher
    {
        public override void Launch<T>(string kernel, long gridX, int gridY, int gridZ, int threads, ref T call)
        {
            fixed (T* argument = &call)
                module.GetFunction(kernel).Launch(checked((int)gridX), gridY, gridZ, threads, 0, CudaArgument.Structure(argument));
        }

        public override nint AddressOf(Tensor tensor) => CudaArgument.Address(tensor);
    }
}
