using System.Runtime.Intrinsics.X86;

namespace Maha.Layers.Kernels;

// R rows (tokens), D input width, F output width

/// <summary>Computes y = x W^T + b for many rows in float32, on processors with 512-bit registers.</summary>
/// <remarks>
/// The layers' matrices are wide and shallow (D of some hundreds). For these, libtorch's BLAS reaches about three quarters of the speed that the registers
/// allow. Several layers of the same input share one pass over it. Reference: torch's linear.
/// </remarks>
internal static unsafe class LinearKernel
{
    /// <summary>Whether the kernel can run and is faster than torch's operator: wide registers, whole vectors of outputs, more than a few rows.</summary>
    public static bool CanUse(long rows, int width) => Avx512F.IsSupported && width % MicroTile.NarrowColumns == 0 && rows >= RowPieces.Rows;

    /// <summary>Fills the output [R, F] of every layer from the input [R, D].</summary>
    public static void Forward(long rows, int depth, float* input, ReadOnlySpan<LinearOperands> layers, int threads)
    {
        var operands = layers.ToArray();
        float* memory = KernelScratch.GetShared<float>(operands.Sum(layer => (long)layer.Width) * depth);
        var weights = new PackedWeight[operands.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = PackedWeight.Pack((float*)operands[i].Weight, depth, operands[i].Width, memory, threads);
            memory += (long)operands[i].Width * depth;
        }
        var pieces = new RowPieces(rows);
        KernelThreads.For(pieces.Count, threads, piece =>
        {
            long start = pieces.Start(piece);
            int count = (int)(pieces.Start(piece + 1) - start);
            for (int i = 0; i < weights.Length; i++)
            {
                int width = operands[i].Width;
                weights[i].Multiply(count, input + (start * depth), depth, (float*)operands[i].Bias, (float*)operands[i].Output + (start * width), width);
            }
        });
    }
}
