using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Maha.Layers.Kernels;

// R rows (tokens), D input width, F output width

/// <summary>y = x W^T + b for many rows in float32, on processors with 512-bit registers.</summary>
/// <remarks>
/// The layers' matrices are wide and shallow (D of some hundreds), where the BLAS at hand reaches about three quarters of what the registers allow.
/// Panels of 32 output columns are transposed once; a panel's 256 inputs stay in the first-level cache while all tiles of 128 rows pass. Slow twin: torch's linear.
/// </remarks>
internal static unsafe class LinearKernel
{
    private const int DepthPerPass = 256;
    private const int RowsPerPiece = 128;

    /// <summary>Whether the kernel can run and pays: wide registers, whole vectors of outputs, more than a few rows.</summary>
    public static bool Suits(long rows, int width) => Avx512F.IsSupported && width % MicroTile.NarrowColumns == 0 && rows >= RowsPerPiece;

    /// <summary>Fills output [R, F] from input [R, D], weight [F, D] and bias [F] (null for none).</summary>
    public static void Forward(long rows, int depth, int width, float* input, float* weight, float* bias, float* output, int threads)
    {
        // Behind the panels: room for the last rows where their number is not a multiple of eight.
        float* panels = KernelScratch.Get<float>(((long)width * depth) + (MicroTile.Rows * ((long)depth + width)));
        float* tail = panels + ((long)width * depth);
        int panelCount = (width + MicroTile.WideColumns - 1) / MicroTile.WideColumns;
        KernelThreads.For(panelCount, threads, panel =>
        {
            int column = panel * MicroTile.WideColumns, columns = Math.Min(MicroTile.WideColumns, width - column);
            RowTransposition.Copy(weight + ((long)column * depth), depth, columns, depth, 1, panels + ((long)column * depth), columns, columns);
        });
        int pieces = (int)((rows + RowsPerPiece - 1) / RowsPerPiece);
        KernelThreads.For(pieces, threads, piece =>
        {
            long start = piece * (long)RowsPerPiece, end = Math.Min(rows, start + RowsPerPiece), whole = start + ((end - start) / MicroTile.Rows * MicroTile.Rows);
            Tiles(whole - start, depth, width, input + (start * depth), panels, bias, output + (start * width));
            if (whole == end)
                return;
            Unsafe.CopyBlockUnaligned(tail, input + (whole * depth), (uint)((end - whole) * depth * sizeof(float)));
            new Span<float>(tail + ((end - whole) * depth), (int)((MicroTile.Rows - end + whole) * depth)).Clear();
            float* tailOutput = tail + ((long)MicroTile.Rows * depth);
            Tiles(MicroTile.Rows, depth, width, tail, panels, bias, tailOutput);
            Unsafe.CopyBlockUnaligned(output + (whole * width), tailOutput, (uint)((end - whole) * width * sizeof(float)));
        });
    }

    // Rows a multiple of eight.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tiles(long rows, int depth, int width, float* input, float* panels, float* bias, float* output)
    {
        for (int pass = 0; pass < depth; pass += DepthPerPass)
        {
            int count = Math.Min(DepthPerPass, depth - pass);
            for (int column = 0; column < width; column += MicroTile.WideColumns)
            {
                int columns = Math.Min(MicroTile.WideColumns, width - column);
                float* panel = panels + ((long)column * depth) + ((long)pass * columns);
                for (long row = 0; row < rows; row += MicroTile.Rows)
                {
                    float* to = output + (row * width) + column;
                    bool accumulate = pass > 0 || bias != null;
                    if (pass == 0 && bias != null)
                    {
                        for (int i = 0; i < MicroTile.Rows; i++)
                            new ReadOnlySpan<float>(bias + column, columns).CopyTo(new Span<float>(to + ((long)i * width), columns));
                    }

                    MicroTile.Row(input + (row * depth) + pass, depth, 1, panel, columns, count, to, width, columns, accumulate);
                }
            }
        }
    }
}
