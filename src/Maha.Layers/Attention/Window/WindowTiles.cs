using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The shape of the work of a block of threads in the CUDA kernels of windowed attention, which is compiled into them.</summary>
/// <param name="Type">The element type.</param>
/// <param name="HeadDim">K, the head width.</param>
/// <param name="StreamRows">The rows of a tile of what the block's own rows see, which passes through shared memory.</param>
/// <param name="HasGroups">Whether groups of four warps multiply tiles in shared memory (<c>group_products.cuh</c>).</param>
internal sealed record WindowTiles(ScalarType Type, int HeadDim, int StreamRows, bool HasGroups)
{
    /// <summary>The number of threads per block.</summary>
    public const int Threads = 128;

    /// <summary>The number of queries, or keys, of a block: 16 for each warp.</summary>
    public const int BlockRows = Threads / 32 * 16;

    // The products of groups are Hopper's, and no later GPU has them.
    private const int GroupCapability = 90;
    private const int GroupHeadDim = 64;

    // Two operands that are multiplied and two that arrive.
    private const int StreamedTiles = 4;

    private static readonly int[] s_headDims = [32, 64, 128];
    private static readonly ConcurrentDictionary<(ScalarType Type, int HeadDim, bool HasGroups), WindowTiles> s_known = new();

    /// <summary>The size of an element in bytes.</summary>
    public int ElementSize => Type == ScalarType.BFloat16 ? 2 : 4;

    /// <summary>The shared memory of a block in the forward pass: its queries and what streams by.</summary>
    public int ForwardSharedBytes => (BlockRows + (StreamedTiles * StreamRows)) * RowBytes;

    /// <summary>The shared memory of a block in the backward pass: its two operands, what streams by, and two numbers per streamed query.</summary>
    public int BackwardSharedBytes => (((2 * BlockRows) + (StreamedTiles * StreamRows)) * RowBytes) + (StreamedTiles * StreamRows * sizeof(float));

    /// <summary>The options of the compiler.</summary>
    public string Options { get; } = $"-DHEAD_DIM={HeadDim} -DBF16={Flag(Type == ScalarType.BFloat16)} -DGROUPS={Flag(HasGroups)} -DSTREAM_ROWS={StreamRows}";

    private int RowBytes => HeadDim * ElementSize;

    /// <summary>Whether kernels exist for an element type and a head width.</summary>
    public static bool IsSupported(ScalarType type, int headDim) => type is ScalarType.Float32 or ScalarType.BFloat16 && s_headDims.Contains(headDim);

    /// <summary>Returns the shape for an element type, a head width and a GPU. The same object at each call.</summary>
    public static WindowTiles For(ScalarType type, int headDim, int computeCapability) =>
        s_known.GetOrAdd(
            (type, headDim, computeCapability == GroupCapability && type == ScalarType.BFloat16 && headDim == GroupHeadDim),
            static key => new WindowTiles(key.Type, key.HeadDim, key.Type == ScalarType.BFloat16 ? 64 : key.HeadDim <= 64 ? 32 : 16, key.HasGroups));

    private static int Flag(bool value) => value ? 1 : 0;
}
