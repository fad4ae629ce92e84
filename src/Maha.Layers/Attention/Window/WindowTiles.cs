using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The shape of the work of a block of threads in the CUDA kernels of windowed attention, which is compiled into them.</summary>
/// <param name="Type">The element type.</param>
/// <param name="HeadDim">K, the head width.</param>
/// <param name="RowTiles">Tiles of 64 queries of a block in the forward pass.</param>
/// <param name="QueryTiles">Tiles of 64 queries of a block in the backward pass.</param>
/// <param name="KeyTiles">Tiles of 64 keys of a block in the backward pass.</param>
/// <param name="StreamRows">The rows of a tile of the other operands, which passes through shared memory.</param>
internal sealed record WindowTiles(ScalarType Type, int HeadDim, int RowTiles, int QueryTiles, int KeyTiles, int StreamRows)
{
    /// <summary>The number of threads per block.</summary>
    public const int Threads = 128;

    // GPUs whose groups of four warps multiply tiles in shared memory.
    private const int GroupCapability = 90;

    // The rows of a tile: 16 for each warp.
    private const int TileRows = Threads / 32 * 16;

    // Two operands that are multiplied and two that arrive.
    private const int StreamedTiles = 4;

    private static readonly int[] s_headDims = [32, 64, 128];
    private static readonly ConcurrentDictionary<(ScalarType Type, int HeadDim, bool HasGroups), WindowTiles> s_known = new();

    /// <summary>The number of queries of a block in the forward pass.</summary>
    public int ForwardRows => RowTiles * TileRows;

    /// <summary>The number of queries of a block in the backward pass.</summary>
    public int QueryRows => QueryTiles * TileRows;

    /// <summary>The number of keys of a block in the backward pass.</summary>
    public int KeyRows => KeyTiles * TileRows;

    /// <summary>The size of an element in bytes.</summary>
    public int ElementSize => Type == ScalarType.BFloat16 ? 2 : 4;

    /// <summary>The shared memory of a block in the forward pass: its queries and what streams by.</summary>
    public int ForwardSharedBytes => (ForwardRows + (StreamedTiles * StreamRows)) * RowBytes;

    /// <summary>The shared memory of a block for the gradients of queries: queries and gradients of their outputs, and what streams by.</summary>
    public int QuerySharedBytes => ((2 * QueryRows) + (StreamedTiles * StreamRows)) * RowBytes;

    /// <summary>The shared memory of a block for the gradients of keys: keys and values, what streams by, and two numbers per streamed query.</summary>
    public int KeySharedBytes => (((2 * KeyRows) + (StreamedTiles * StreamRows)) * RowBytes) + (StreamedTiles * StreamRows * sizeof(float));

    /// <summary>The options of the compiler.</summary>
    public string Options { get; } =
        $"-DHEAD_DIM={HeadDim} -DBF16={(Type == ScalarType.BFloat16 ? 1 : 0)} -DROW_TILES={RowTiles} -DQUERY_TILES={QueryTiles} -DKEY_TILES={KeyTiles} "
        + $"-DSTREAM_ROWS={StreamRows}";

    private int RowBytes => HeadDim * ElementSize;

    /// <summary>Whether kernels exist for an element type and a head width.</summary>
    public static bool IsSupported(ScalarType type, int headDim) => type is ScalarType.Float32 or ScalarType.BFloat16 && s_headDims.Contains(headDim);

    /// <summary>Returns the shape for an element type, a head width and a GPU. The same object at each call.</summary>
    public static WindowTiles For(ScalarType type, int headDim, int computeCapability) =>
        s_known.GetOrAdd((type, headDim, computeCapability == GroupCapability && type == ScalarType.BFloat16 && headDim == 64), static key =>
        {
            // A block with two tiles reads the other operands half as often. Where the operands pass through registers, only narrow heads leave room.
            bool isReduced = key.Type == ScalarType.BFloat16;
            int rowTiles = isReduced && key.HeadDim <= 64 ? 2 : 1, streamRows = isReduced ? 64 : key.HeadDim <= 64 ? 32 : 16;
            return new WindowTiles(key.Type, key.HeadDim, rowTiles, key.HasGroups ? 2 : 1, 1, streamRows);
        });
}
