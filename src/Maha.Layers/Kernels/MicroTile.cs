using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Maha.Layers.Kernels;

/// <summary>The register-blocked product of all float32 kernels: eight rows by 32 or 16 columns are kept in vector registers.</summary>
/// <remarks>
/// c[m, n] (+)= sum over k of a[m * aRow + k * aDepth] * b[k * bRow + n], for m in 0..7 and n in 0..31 (or 0..15).
/// Sixteen accumulators hide the latency of two fused multiply-adds per cycle, and an operand is read once per eight rows, so the loop is bound by arithmetic
/// and not by loads. Reference: the triple loop in the tests.
/// </remarks>
internal static unsafe class MicroTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 8;

    /// <summary>Columns of the wide tile; scratch rows are padded to <see cref="NarrowColumns"/>.</summary>
    public const int WideColumns = 32;

    /// <summary>Columns of the narrow tile, the unit that scratch rows are padded to.</summary>
    public const int NarrowColumns = 16;

    /// <summary>Computes the product of an [8, depth] and a [depth, columns] operand in tiles of 32 columns and at most one of 16.</summary>
    /// <param name="a">The left operand.</param>
    /// <param name="aRow">Elements between the rows of the left operand.</param>
    /// <param name="aDepth">Elements between the columns of the left operand.</param>
    /// <param name="b">The right operand, with consecutive columns.</param>
    /// <param name="bRow">Elements between the rows of the right operand.</param>
    /// <param name="depth">The length of the sums.</param>
    /// <param name="c">The product, with consecutive columns.</param>
    /// <param name="cRow">Elements between the rows of the product.</param>
    /// <param name="columns">The number of columns, a multiple of 16.</param>
    /// <param name="accumulate">Whether the product is added to <paramref name="c"/> instead of replacing it.</param>
    public static void Row(float* a, nint aRow, nint aDepth, float* b, nint bRow, int depth, float* c, nint cRow, int columns, bool accumulate)
    {
        int n = 0;
        if (Avx512F.IsSupported)
        {
            for (; n + WideColumns <= columns; n += WideColumns)
                Wide512(a, aRow, aDepth, b + n, bRow, depth, c + n, cRow, accumulate);

            if (n < columns)
                Narrow512(a, aRow, aDepth, b + n, bRow, depth, c + n, cRow, accumulate);

            return;
        }

        for (; n < columns; n += NarrowColumns)
        {
            Quarter256(a, aRow, aDepth, b + n, bRow, depth, c + n, cRow, accumulate);
            Quarter256(a + (4 * aRow), aRow, aDepth, b + n, bRow, depth, c + n + (4 * cRow), cRow, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide512(float* a, nint aRow, nint aDepth, float* b, nint bRow, int depth, float* c, nint cRow, bool accumulate)
    {
        Vector512<float> c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51, c60, c61, c70, c71;
        if (accumulate)
        {
            float* r = c;
            c00 = Vector512.Load(r); c01 = Vector512.Load(r + 16); r += cRow;
            c10 = Vector512.Load(r); c11 = Vector512.Load(r + 16); r += cRow;
            c20 = Vector512.Load(r); c21 = Vector512.Load(r + 16); r += cRow;
            c30 = Vector512.Load(r); c31 = Vector512.Load(r + 16); r += cRow;
            c40 = Vector512.Load(r); c41 = Vector512.Load(r + 16); r += cRow;
            c50 = Vector512.Load(r); c51 = Vector512.Load(r + 16); r += cRow;
            c60 = Vector512.Load(r); c61 = Vector512.Load(r + 16); r += cRow;
            c70 = Vector512.Load(r); c71 = Vector512.Load(r + 16);
        }
        else
        {
            c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = Vector512<float>.Zero;
            c40 = c41 = c50 = c51 = c60 = c61 = c70 = c71 = Vector512<float>.Zero;
        }

        float* a0 = a;
        float* a3 = a + (3 * aRow);
        float* a6 = a + (6 * aRow);
        nint twice = 2 * aRow;
        for (int k = 0; k < depth; k++)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16);
            var x = Vector512.Create(*a0);
            c00 = Avx512F.FusedMultiplyAdd(x, b0, c00); c01 = Avx512F.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a0[aRow]);
            c10 = Avx512F.FusedMultiplyAdd(x, b0, c10); c11 = Avx512F.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a0[twice]);
            c20 = Avx512F.FusedMultiplyAdd(x, b0, c20); c21 = Avx512F.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(*a3);
            c30 = Avx512F.FusedMultiplyAdd(x, b0, c30); c31 = Avx512F.FusedMultiplyAdd(x, b1, c31);
            x = Vector512.Create(a3[aRow]);
            c40 = Avx512F.FusedMultiplyAdd(x, b0, c40); c41 = Avx512F.FusedMultiplyAdd(x, b1, c41);
            x = Vector512.Create(a3[twice]);
            c50 = Avx512F.FusedMultiplyAdd(x, b0, c50); c51 = Avx512F.FusedMultiplyAdd(x, b1, c51);
            x = Vector512.Create(*a6);
            c60 = Avx512F.FusedMultiplyAdd(x, b0, c60); c61 = Avx512F.FusedMultiplyAdd(x, b1, c61);
            x = Vector512.Create(a6[aRow]);
            c70 = Avx512F.FusedMultiplyAdd(x, b0, c70); c71 = Avx512F.FusedMultiplyAdd(x, b1, c71);
            a0 += aDepth;
            a3 += aDepth;
            a6 += aDepth;
            b += bRow;
        }

        float* w = c;
        c00.Store(w); c01.Store(w + 16); w += cRow;
        c10.Store(w); c11.Store(w + 16); w += cRow;
        c20.Store(w); c21.Store(w + 16); w += cRow;
        c30.Store(w); c31.Store(w + 16); w += cRow;
        c40.Store(w); c41.Store(w + 16); w += cRow;
        c50.Store(w); c51.Store(w + 16); w += cRow;
        c60.Store(w); c61.Store(w + 16); w += cRow;
        c70.Store(w); c71.Store(w + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow512(float* a, nint aRow, nint aDepth, float* b, nint bRow, int depth, float* c, nint cRow, bool accumulate)
    {
        Vector512<float> c0, c1, c2, c3, c4, c5, c6, c7;
        c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = Vector512<float>.Zero;
        if (accumulate)
        {
            float* r = c;
            c0 = Vector512.Load(r); r += cRow;
            c1 = Vector512.Load(r); r += cRow;
            c2 = Vector512.Load(r); r += cRow;
            c3 = Vector512.Load(r); r += cRow;
            c4 = Vector512.Load(r); r += cRow;
            c5 = Vector512.Load(r); r += cRow;
            c6 = Vector512.Load(r); r += cRow;
            c7 = Vector512.Load(r);
        }

        float* a0 = a;
        float* a3 = a + (3 * aRow);
        float* a6 = a + (6 * aRow);
        nint twice = 2 * aRow;
        for (int k = 0; k < depth; k++)
        {
            var b0 = Vector512.Load(b);
            c0 = Avx512F.FusedMultiplyAdd(Vector512.Create(*a0), b0, c0);
            c1 = Avx512F.FusedMultiplyAdd(Vector512.Create(a0[aRow]), b0, c1);
            c2 = Avx512F.FusedMultiplyAdd(Vector512.Create(a0[twice]), b0, c2);
            c3 = Avx512F.FusedMultiplyAdd(Vector512.Create(*a3), b0, c3);
            c4 = Avx512F.FusedMultiplyAdd(Vector512.Create(a3[aRow]), b0, c4);
            c5 = Avx512F.FusedMultiplyAdd(Vector512.Create(a3[twice]), b0, c5);
            c6 = Avx512F.FusedMultiplyAdd(Vector512.Create(*a6), b0, c6);
            c7 = Avx512F.FusedMultiplyAdd(Vector512.Create(a6[aRow]), b0, c7);
            a0 += aDepth;
            a3 += aDepth;
            a6 += aDepth;
            b += bRow;
        }

        float* w = c;
        c0.Store(w); w += cRow;
        c1.Store(w); w += cRow;
        c2.Store(w); w += cRow;
        c3.Store(w); w += cRow;
        c4.Store(w); w += cRow;
        c5.Store(w); w += cRow;
        c6.Store(w); w += cRow;
        c7.Store(w);
    }

    // Four rows by 16 columns: eight accumulators, as many as sixteen 256-bit registers hold together with the operands.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Quarter256(float* a, nint aRow, nint aDepth, float* b, nint bRow, int depth, float* c, nint cRow, bool accumulate)
    {
        Vector256<float> c00, c01, c10, c11, c20, c21, c30, c31;
        c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = Vector256<float>.Zero;
        float* r1 = c + cRow, r2 = c + (2 * cRow), r3 = c + (3 * cRow);
        if (accumulate)
        {
            c00 = Vector256.Load(c); c01 = Vector256.Load(c + 8);
            c10 = Vector256.Load(r1); c11 = Vector256.Load(r1 + 8);
            c20 = Vector256.Load(r2); c21 = Vector256.Load(r2 + 8);
            c30 = Vector256.Load(r3); c31 = Vector256.Load(r3 + 8);
        }

        float* a3 = a + (3 * aRow);
        nint twice = 2 * aRow;
        for (int k = 0; k < depth; k++)
        {
            Vector256<float> b0 = Vector256.Load(b), b1 = Vector256.Load(b + 8);
            var x = Vector256.Create(*a);
            c00 = Vector256.MultiplyAddEstimate(x, b0, c00); c01 = Vector256.MultiplyAddEstimate(x, b1, c01);
            x = Vector256.Create(a[aRow]);
            c10 = Vector256.MultiplyAddEstimate(x, b0, c10); c11 = Vector256.MultiplyAddEstimate(x, b1, c11);
            x = Vector256.Create(a[twice]);
            c20 = Vector256.MultiplyAddEstimate(x, b0, c20); c21 = Vector256.MultiplyAddEstimate(x, b1, c21);
            x = Vector256.Create(*a3);
            c30 = Vector256.MultiplyAddEstimate(x, b0, c30); c31 = Vector256.MultiplyAddEstimate(x, b1, c31);
            a += aDepth;
            a3 += aDepth;
            b += bRow;
        }

        c00.Store(c); c01.Store(c + 8);
        c10.Store(r1); c11.Store(r1 + 8);
        c20.Store(r2); c21.Store(r2 + 8);
        c30.Store(r3); c31.Store(r3 + 8);
    }

    /// <summary>Rows rounded up to whole tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PaddedRows(int count) => (count + Rows - 1) / Rows * Rows;

    /// <summary>Columns rounded up to whole narrow tiles, which are whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int PaddedColumns(int count) => (count + NarrowColumns - 1) / NarrowColumns * NarrowColumns;
}
