using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The CUDA kernels of windowed attention for one element type and head width.</summary>
internal abstract unsafe class WindowKernels
{
    /// <summary>The number of threads per block.</summary>
    public const int Threads = 128;

    /// <summary>The number of rows of a block of threads in the backward pass.</summary>
    public const int BackwardRows = Warps * TileRows;

    // Copies to shared memory in the background and products in TF32 need it.
    private const int MinCapability = 80;
    private const int Warps = Threads / 32;
    private const int TileRows = 16;

    // Two tiles that are multiplied and two that arrive.
    private const int StreamedTiles = 4;

    private static readonly int[] s_headDims = [32, 64, 128];

    // One text for each element type and head width, which is part of the key of a compiled source.
    private static readonly Dictionary<(ScalarType, int), string> s_options = new[] { ScalarType.Float32, ScalarType.BFloat16 }
        .SelectMany(type => s_headDims.Select(headDim => (type, headDim))).ToDictionary(key => key, key => MakeOptions(key.type, key.headDim));

    /// <summary>Creates the description of the kernels for an element type and a head width.</summary>
    protected WindowKernels(ScalarType type, int headDim) => (Type, HeadDim) = (type, headDim);

    /// <summary>The element type.</summary>
    public ScalarType Type { get; }

    /// <summary>K, the head width.</summary>
    public int HeadDim { get; }

    /// <summary>The number of queries of a block of threads in the forward pass.</summary>
    public int ForwardRows => BackwardRows * RowTiles(Type, HeadDim);

    /// <summary>The shared memory of a block of threads in the forward pass.</summary>
    public int ForwardSharedBytes => (ForwardRows + (StreamedTiles * StreamRows(Type, HeadDim))) * RowBytes;

    /// <summary>The shared memory of a block of threads in the backward pass: two tiles of its own, streamed ones, and two numbers per streamed query.</summary>
    public int BackwardSharedBytes =>
        (((2 * BackwardRows) + (StreamedTiles * StreamRows(Type, HeadDim))) * RowBytes) + (StreamedTiles * StreamRows(Type, HeadDim) * sizeof(float));

    /// <summary>The size of an element in bytes.</summary>
    public int ElementSize => Type == ScalarType.BFloat16 ? 2 : 4;

    private int RowBytes => HeadDim * ElementSize;

    /// <summary>Whether kernels exist for an element type and a head width.</summary>
    public static bool IsSupported(ScalarType type, int headDim) => s_options.ContainsKey((type, headDim));

    /// <summary>The options of the compiler. The same text object at each call.</summary>
    public static string Options(ScalarType type, int headDim) => s_options[(type, headDim)];

    /// <summary>Returns the kernels for a tensor; null where there are none, or they can't be used.</summary>
    public static WindowKernels? For(Tensor operand, int headDim)
    {
        if (!IsSupported(operand.dtype, headDim) || !CudaKernels.CanUse(operand)
            || CudaDevice.Get(operand.device_index).ComputeCapability < MinCapability
            || CudaKernels.TryGetModule(operand, "window_forward.cu", Options(operand.dtype, headDim)) is not { } forward)
        {
            return null;
        }

        // A prediction does not wait for the backward pass to be compiled.
        var backward = is_grad_enabled() ? CudaKernels.TryGetModule(operand, "window_backward.cu", Options(operand.dtype, headDim)) : null;
        return backward is null && is_grad_enabled() ? null : new DeviceKernels(operand.dtype, headDim, forward, backward);
    }

    /// <summary>Launches a kernel of the forward pass, or of the backward pass.</summary>
    public abstract void Launch(bool isBackward, string name, long blocks, ref WindowCall call);

    /// <summary>Returns the address of a tensor's first element.</summary>
    public abstract nint AddressOf(Tensor tensor);

    // Tiles of 16 queries of a warp in the forward pass. Two share what is read from shared memory; in wide rows the registers don't hold them.
    private static int RowTiles(ScalarType type, int headDim) => type == ScalarType.BFloat16 && headDim <= 64 ? 2 : 1;

    // Rows of a streamed tile: as many as fit into the shared memory of all GPUs.
    private static int StreamRows(ScalarType type, int headDim) => type == ScalarType.BFloat16 ? 64 : headDim <= 64 ? 32 : 16;

    private static string MakeOptions(ScalarType type, int headDim) =>
        $"-DHEAD_DIM={headDim} -DBF16={(type == ScalarType.BFloat16 ? 1 : 0)} -DROW_TILES={RowTiles(type, headDim)} -DSTREAM_ROWS={StreamRows(type, headDim)}";

    // Without a backward module no gradients are recorded.
    private sealed class DeviceKernels(ScalarType type, int headDim, CudaModule forward, CudaModule? backward) : WindowKernels(type, headDim)
    {
        public override void Launch(bool isBackward, string name, long blocks, ref WindowCall call)
        {
            fixed (WindowCall* argument = &call)
            {
                (isBackward ? backward! : forward).GetFunction(name).Launch(
                    checked((int)blocks), 1, 1, Threads, isBackward ? BackwardSharedBytes : ForwardSharedBytes, CudaArgument.Structure(argument));
            }
        }

        public override nint AddressOf(Tensor tensor) => CudaArgument.Address(tensor);
    }
}
