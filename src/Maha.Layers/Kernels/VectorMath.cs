using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Maha.Layers.Kernels;

/// <summary>Elementary functions on vector registers.</summary>
internal static class VectorMath
{
    // exp underflows to a subnormal below this; such a weight is 4e-38 of the row's largest one and counts as zero.
    private const float SmallestArgument = -87.33654f;

    // ln 2 in two parts: the first has trailing zero bits, so that n * Ln2High is exact for |n| < 2^9.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>exp(x) for x at most 0 (softmax arguments), relative error below 2e-7; 0 below -87.3 and for minus infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExpNonPositive(Vector512<float> x)
    {
        Vector512<float> tiny = Vector512.LessThan(x, Vector512.Create(SmallestArgument));
        Vector512<float> bounded = Vector512.ConditionalSelect(tiny, Vector512.Create(SmallestArgument), x);
        Vector512<float> n = Vector512.Floor(Vector512.MultiplyAddEstimate(bounded, Vector512.Create(1.44269504f), Vector512.Create(0.5f)));
        Vector512<float> y = Vector512.MultiplyAddEstimate(n, Vector512.Create(-Ln2High), bounded);
        y = Vector512.MultiplyAddEstimate(n, Vector512.Create(-Ln2Low), y);

        // Taylor coefficients of exp to degree 7 on |y| <= ln(2)/2: the remainder is 5e-9.
        Vector512<float> p = Vector512.Create(1.0f / 5040);
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(1.0f / 720));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(1.0f / 120));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(1.0f / 24));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(1.0f / 6));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512.Create(0.5f));
        p = Vector512.MultiplyAddEstimate(p, y, Vector512<float>.One);
        p = Vector512.MultiplyAddEstimate(p, y, Vector512<float>.One);
        Vector512<int> exponent = Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n) + Vector512.Create(127), 23);
        return Vector512.AndNot(p * exponent.AsSingle(), tiny);
    }
}
