using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Maha.Layers.Attention;

/// <summary>The argument of the convolution kernels, of the layout and with the documentation of its namesake in <c>convolution.cu</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CudaConvolutionCall
{
    public ChainAddresses Input;
    public ChainAddresses Output;
    public ChainAddresses Gradient;
    public ChainAddresses Added;
    public ChainAddresses InputGradient;
    public nint Weight;
    public nint Bias;
    public nint InputRows;
    public nint OutputRows;
    public nint Partial;
    public long Seed;
    public int Chains;
    public int Batch;
    public int InputLength;
    public int OutputLength;
    public int Width;
    public int Stride;
    public int Dilation;
    public int Offset;
    public int Relu;
    public int PartRows;
    public int Parts;
    public uint Dropped;
    public float KeptFactor;
}

/// <summary>The argument of the kernel that sums the gradients of weights, as in <c>convolution.cu</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CudaConvolutionSums
{
    public ScaleAddresses Partial;
    public ScaleAddresses WeightGradient;
    public ScaleAddresses BiasGradient;
    public ScaleNumbers Parts;
    public int Width;
}

/// <summary>An address for each of the sequences that share a convolution.</summary>
[InlineArray(Count)]
internal struct ChainAddresses
{
    public const int Count = 2;
    private nint _first;
}

/// <summary>An address for each scale.</summary>
[InlineArray(ScaleCount.Max)]
internal struct ScaleAddresses
{
    private nint _first;
}

/// <summary>A number for each scale.</summary>
[InlineArray(ScaleCount.Max)]
internal struct ScaleNumbers
{
    private int _first;
}
