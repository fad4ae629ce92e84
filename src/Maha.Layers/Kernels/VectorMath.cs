using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Maha.Layers.Kernels;

/// <summary>Elementary functions on vector registers.</summary>
internal static class VectorMath
{
    // exp of smaller numbers is taken as 0: subnormal results would take a hundred times as long.
    private const float SmallestArgument = -87f;

    // ln 2 in two parts: the first has trailing zero bits, so that n * Ln2High is exact for |n| < 2^9.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>Computes exp(x) for x at most 0 (softmax arguments), with a relative error below 3e-7 down to x = -87; 0 below that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExpNonPositive(Vector512<float> x)
    {
        // The order of the operands lets NaN through.
        var bounded = Vector512.MaxNative(Vector512.Create(SmallestArgument), x);
        var scaled = bounded * Vector512.Create(1.44269504f);
        var n = Avx512F.IsSupported ? Avx512F.RoundScale(scaled, 0) : Vector512.Round(scaled);
        var y = Vector512.MultiplyAddEstimate(n, Vector512.Create(-Ln2High), bounded);
        y = Vector512.MultiplyAddEstimate(n, Vector512.Create(-Ln2Low), y);

        // Taylor coefficients of exp to degree 6 on |y| <= ln(2)/2: the remainder is 1.2e-7.
        var p = Vector512.Create(1.0f / 720);
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(1.0f / 120));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(1.0f / 24));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(1.0f / 6));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(0.5f));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512<float>.One);
        p = Vector512.MultiplyAddEstimate(p, y, Vector512<float>.One);
        var tiny = Vector512.LessThan(x, Vector512.Create(SmallestArgument));
        if (Avx512F.IsSupported)
            return Vector512.AndNot(Avx512F.Scale(p, n), tiny);
        var exponent = Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n) + Vector512.Create(127), 23); // 2^n as a bit pattern
        return Vector512.AndNot(p * exponent.AsSingle(), tiny);
    }
}
