using System.Runtime.InteropServices;

namespace Maha.Layers.Attention;

/// <summary>The argument of the kernels of the aggregation, of the layout and with the documentation of <c>ScaleCall</c> in <c>scale_call.cuh</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScaleCall
{
    public ScaleAddresses Outputs;
    public ScaleAddresses Gradients;

    public nint Tokens;
    public nint Available;
    public nint Costs;
    public nint Utility;
    public nint Bias;
    public nint Mixed;
    public nint MixedGradient;
    public nint Weights;
    public nint Residuals;
    public nint Steps;
    public nint Supports;

    public nint Inverses;
    public nint Utilities;
    public nint Products;
    public nint Sums;
    public nint Gram;
    public nint DocumentUtilities;

    public nint UtilityGradients;
    public nint Adjoints;
    public nint Alongs;
    public nint TileSums;
    public nint GramGradient;
    public nint DocumentUtilityGradients;
    public nint WeightGradients;
    public nint RowUtilityGradients;
    public nint RowAlongs;
    public nint CoarseSums;
    public nint UtilityParts;
    public nint UtilityGradient;
    public nint BiasGradient;

    public ScaleNumbers RowStart;
    public ScaleNumbers Lengths;
    public ScaleNumbers Cells;

    public int Batch;
    public int Length;
    public int Scales;
    public int AllScales;
    public int Shift;
    public int Chunk;
    public int Chunks;
    public int ChunkScales;
    public int UtilityPartCount;
    public int Tiles;
    public int Rule;
    public int UsesGram;
    public int IsSoftmax;
    public float Redundancy;
    public float Temperature;
    public float Floor;
}
