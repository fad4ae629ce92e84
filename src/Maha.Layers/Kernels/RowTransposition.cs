using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Maha.Layers.Kernels;

/// <summary>Copies rows of tokens into a [channels, tokens] panel.</summary>
internal static unsafe class RowTransposition
{
    // Tokens and channels of a square that fits in eight 256-bit registers.
    private const int Side = 8;

    /// <summary>Writes scale * channel k of row i to target[k, i] for the given tokens.</summary>
    /// <remarks>The columns from <paramref name="tokens"/> to <paramref name="columns"/> become 0.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, nint sourceRow, int tokens, int channels, float scale, float* target, nint targetRow, int columns)
    {
        int squareTokens = Avx.IsSupported ? tokens / Side * Side : 0, squareChannels = channels / Side * Side;
        for (int i = 0; i < squareTokens; i += Side)
        {
            for (int k = 0; k < squareChannels; k += Side)
                Square(source + (i * sourceRow) + k, sourceRow, scale, target + (k * targetRow) + i, targetRow);
        }

        for (int i = 0; i < tokens; i++)
        {
            for (int k = i < squareTokens ? squareChannels : 0; k < channels; k++)
                target[(k * targetRow) + i] = source[(i * sourceRow) + k] * scale;
        }

        for (int k = 0; k < channels && tokens < columns; k++)
            new Span<float>(target + (k * targetRow) + tokens, columns - tokens).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square(float* source, nint sourceRow, float scale, float* target, nint targetRow)
    {
        var f = Vector256.Create(scale);
        Vector256<float> r0 = Vector256.Load(source) * f, r1 = Vector256.Load(source + sourceRow) * f;
        Vector256<float> r2 = Vector256.Load(source + (2 * sourceRow)) * f, r3 = Vector256.Load(source + (3 * sourceRow)) * f;
        Vector256<float> r4 = Vector256.Load(source + (4 * sourceRow)) * f, r5 = Vector256.Load(source + (5 * sourceRow)) * f;
        Vector256<float> r6 = Vector256.Load(source + (6 * sourceRow)) * f, r7 = Vector256.Load(source + (7 * sourceRow)) * f;

        // Pairs of channels of two tokens, then of four, then the two halves of eight.
        Vector256<float> t0 = Avx.UnpackLow(r0, r1), t1 = Avx.UnpackHigh(r0, r1), t2 = Avx.UnpackLow(r2, r3), t3 = Avx.UnpackHigh(r2, r3);
        Vector256<float> t4 = Avx.UnpackLow(r4, r5), t5 = Avx.UnpackHigh(r4, r5), t6 = Avx.UnpackLow(r6, r7), t7 = Avx.UnpackHigh(r6, r7);
        const byte Low = 0x44, High = 0xEE;
        Vector256<float> u0 = Avx.Shuffle(t0, t2, Low), u1 = Avx.Shuffle(t0, t2, High), u2 = Avx.Shuffle(t1, t3, Low), u3 = Avx.Shuffle(t1, t3, High);
        Vector256<float> u4 = Avx.Shuffle(t4, t6, Low), u5 = Avx.Shuffle(t4, t6, High), u6 = Avx.Shuffle(t5, t7, Low), u7 = Avx.Shuffle(t5, t7, High);
        const byte LowHalves = 0x20, HighHalves = 0x31;
        Avx.Permute2x128(u0, u4, LowHalves).Store(target);
        Avx.Permute2x128(u1, u5, LowHalves).Store(target + targetRow);
        Avx.Permute2x128(u2, u6, LowHalves).Store(target + (2 * targetRow));
        Avx.Permute2x128(u3, u7, LowHalves).Store(target + (3 * targetRow));
        Avx.Permute2x128(u0, u4, HighHalves).Store(target + (4 * targetRow));
        Avx.Permute2x128(u1, u5, HighHalves).Store(target + (5 * targetRow));
        Avx.Permute2x128(u2, u6, HighHalves).Store(target + (6 * targetRow));
        Avx.Permute2x128(u3, u7, HighHalves).Store(target + (7 * targetRow));
    }
}
