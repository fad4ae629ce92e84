using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Maha.Layers.Attention;

/// <summary>One scale of a <see cref="WindowCall"/>, of the layout and with the documentation of <c>WindowScale</c> in <c>window_call.cuh</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct WindowScale
{
    public nint Query;
    public nint Key;
    public nint Value;
    public nint Gradient;
    public nint Output;
    public nint QueryGradient;
    public nint ValueGradient;
    public nint LogSums;
    public nint RowDots;
    public int QueryStride;
    public int ValueStride;
    public int GradientStride;
    public int Length;
    public int Window;
    public int Unused;
}

/// <summary>
/// The argument of all kernels of windowed attention, of the layout and with the documentation of <c>WindowCall</c> in <c>window_call.cuh</c>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct WindowCall
{
    /// <summary>The most scales of a call.</summary>
    public const int MaxScales = 12;

    /// <summary>The most valid lengths that are passed by value.</summary>
    public const int MaxLengths = 512;

    public ScaleArray Scales;
    public nint LengthTable;
    public nint Partials;
    public nint Arrived;
    public int ScaleCount;
    public int Batch;
    public int Heads;
    public int GlobalKeys;
    public int ChunkRows;
    public int Chunks;
    public int Band;
    public int Causal;
    public float Scale;
    public int Unused;
    public LengthArray Lengths;

    [InlineArray(MaxScales)]
    public struct ScaleArray
    {
        private WindowScale _first;
    }

    [InlineArray(MaxLengths)]
    public struct LengthArray
    {
        private int _first;
    }
}
