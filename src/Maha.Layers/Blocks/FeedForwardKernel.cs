using Maha.Layers.Kernels;

namespace Maha.Layers.Blocks;

// R rows (tokens), D width, F width between the layers

/// <summary>
/// The feed-forward layer in one pass over the tokens, y = W_2 gelu(W_1 x + b_1) + b_2, alone or with the residual norms of a block. float32.
/// </summary>
/// <remarks>
/// The activations between the layers are the widest of a block: a piece of rows passes both layers while it is in the second-level cache.
/// Slow twin: torch's linear and gelu.
/// </remarks>
internal static unsafe class FeedForwardKernel
{
    // A row stride that is a power of two would map all rows of a tile to a few cache sets.
    private const int RowGap = 16;

    /// <summary>Whether the kernel supports these sizes and is faster than torch's operators.</summary>
    public static bool IsApplicable(long rows, int width, int inner) => LinearKernel.CanUse(rows, width) && LinearKernel.CanUse(rows, inner);

    /// <summary>Computes output [R, D] and, unless it is null, expanded [R, F] = W_1 x.</summary>
    public static void Forward(long rows, FeedForwardOperands layer, float* x, float* expanded, float* output, int threads)
    {
        var (first, second) = Pack(layer, threads);
        int width = layer.Width, inner = layer.Inner;
        var pieces = new RowPieces(rows);
        KernelThreads.For(pieces.Count, threads, piece =>
        {
            long start = pieces.Start(piece);
            int count = (int)(pieces.Start(piece + 1) - start);
            float* hidden = KernelScratch.Get<float>((long)RowPieces.MostRows * (inner + RowGap));
            float* expandedRows = expanded == null ? null : expanded + (start * inner);
            ForwardRows(count, layer, first, second, x + (start * width), expandedRows, hidden, output + (start * width));
        });
    }

    /// <summary>
    /// Computes the part of a block after its mixer, without dropout: y = LayerNorm(x + update); output = LayerNorm(y + W_2 gelu(W_1 y + b_1) + b_2).
    /// </summary>
    public static void ForwardBetweenNorms(
        long rows, FeedForwardOperands layer, NormOperands before, NormOperands after, float* x, float* update, float* output, int threads)
    {
        var (first, second) = Pack(layer, threads);
        int width = layer.Width, inner = layer.Inner;
        var pieces = new RowPieces(rows);
        KernelThreads.For(pieces.Count, threads, piece =>
        {
            long start = pieces.Start(piece), offset = start * width;
            int count = (int)(pieces.Start(piece + 1) - start);
            float* hidden = KernelScratch.Get<float>((long)RowPieces.MostRows * (inner + RowGap + (2 * width)));
            float* y = hidden + ((long)RowPieces.MostRows * (inner + RowGap));
            float* contracted = y + ((long)RowPieces.MostRows * width);
            before.Apply(count, width, x + offset, update + offset, y);
            ForwardRows(count, layer, first, second, y, null, hidden, contracted);
            after.Apply(count, width, y, contracted, output + offset);
        });
    }

    private static (PackedWeight First, PackedWeight Second) Pack(FeedForwardOperands layer, int threads)
    {
        long elements = (long)layer.Width * layer.Inner;
        float* memory = KernelScratch.GetShared<float>(2 * elements);
        var first = PackedWeight.Pack(layer.FirstWeight, layer.Width, layer.Inner, memory, threads);
        var second = PackedWeight.Pack(layer.SecondWeight, layer.Inner, layer.Width, memory + elements, threads);
        return (first, second);
    }

    private static void ForwardRows(
        int count, FeedForwardOperands layer, PackedWeight first, PackedWeight second, float* x, float* expanded, float* hidden, float* output)
    {
        nint row = layer.Inner + RowGap, expandedRow = expanded == null ? row : layer.Inner;
        float* target = expanded == null ? hidden : expanded;
        first.Multiply(count, x, layer.Width, null, target, expandedRow);
        GeluKernel.ForwardRows(count, layer.Inner, target, expandedRow, layer.FirstBias, hidden, row);
        second.Multiply(count, hidden, row, layer.SecondBias, output, layer.Width);
    }
}
