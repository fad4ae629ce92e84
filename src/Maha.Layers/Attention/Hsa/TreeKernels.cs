using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The kernels of hierarchical attention for one element type and head width.</summary>
internal abstract unsafe class TreeKernels
{
    /// <summary>The number of threads per block of most kernels.</summary>
    public const int Threads = 128;

    /// <summary>The number of warps per block of most kernels.</summary>
    public const int Warps = Threads / 32;

    /// <summary>The number of threads per block of the kernels of scalars.</summary>
    public const int ScalarThreads = 1024;

    /// <summary>The number of threads per block of the kernels that sum over the nodes below one.</summary>
    public const int PoolThreads = 256;

    private static readonly int[] s_headDims = [32, 64, 128];

    // The options of every head width in float32, then in bfloat16: one text each, which is part of the key of a compiled source.
    private static readonly string[] s_options = [.. new[] { 0, 1 }.SelectMany(bf16 => s_headDims.Select(headDim => $"-DHEAD_DIM={headDim} -DBF16={bf16}"))];

    /// <summary>Whether kernels exist for an element type and a head width.</summary>
    public static bool IsSupported(ScalarType type, int headDim) =>
        type is ScalarType.Float32 or ScalarType.BFloat16 && s_headDims.Contains(headDim);

    /// <summary>Returns the kernels for a tensor; null where there are none, or they can't be used.</summary>
    public static TreeKernels? For(Tensor operand, int headDim)
    {
        if (operand.device_type != DeviceType.CUDA || !IsSupported(operand.dtype, headDim))
            return null;
        string options = s_options[Array.IndexOf(s_headDims, headDim) + (operand.dtype == ScalarType.BFloat16 ? s_headDims.Length : 0)];
        var forward = CudaKernels.TryGetModule(operand, "hsa_forward.cu", options);
        if (forward is null)
            return null;

        // A prediction does not wait for the backward pass to be compiled.
        var backward = is_grad_enabled() ? CudaKernels.TryGetModule(operand, "hsa_backward.cu", options) : null;
        return backward is null && is_grad_enabled() ? null : new DeviceKernels(forward, backward);
    }

    /// <summary>Launches a kernel of the forward pass, or of the backward pass.</summary>
    public abstract void Launch(bool isBackward, string name, long blocks, int threads, ref TreeCall call);

    /// <summary>Launches a kernel with a warp for each item and head.</summary>
    public void LaunchWarps(bool isBackward, string name, int items, ref TreeCall call) =>
        Launch(isBackward, name, (((long)items * call.Heads) + Warps - 1) / Warps, Threads, ref call);

    /// <summary>Returns the address of a tensor's first element.</summary>
    public abstract nint AddressOf(Tensor tensor);

    // Without a backward module no gradients are recorded.
    private sealed class DeviceKernels(CudaModule forward, CudaModule? backward) : TreeKernels
    {
        public override void Launch(bool isBackward, string name, long blocks, int threads, ref TreeCall call)
        {
            if (blocks == 0)
                return;
            fixed (TreeCall* argument = &call)
                (isBackward ? backward! : forward).GetFunction(name).Launch(checked((int)blocks), 1, 1, threads, 0, CudaArgument.Structure(argument));
        }

        public override nint AddressOf(Tensor tensor) => CudaArgument.Address(tensor);
    }
}
