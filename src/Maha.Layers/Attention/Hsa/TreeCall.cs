using System.Runtime.InteropServices;

namespace Maha.Layers.Attention;

/// <summary>The argument of all kernels of hierarchical attention, of the layout and with the documentation of <c>TreeCall</c> in <c>tree_call.cuh</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TreeCall
{
    public nint Query;
    public nint Key;
    public nint Value;
    public nint Output;
    public nint Mixed;
    public nint Gradient;
    public nint QueryGradient;
    public nint KeyGradient;
    public nint ValueGradient;

    public nint Nodes;
    public nint Tiles;
    public nint Families;
    public nint Documents;
    public nint Tasks;
    public nint NodeTasks;

    public nint NodeQuery;
    public nint NodeKey;
    public nint NodeValue;
    public nint NodeMixed;

    public nint LogSums;
    public nint RowDots;
    public nint TileLogSums;
    public nint TileDots;

    public nint SiblingLogSums;
    public nint Energy;
    public nint Inside;
    public nint Outside;
    public nint Mass;
    public nint Factor;
    public nint NodeDots;
    public nint MassGradient;
    public nint Shift;
    public nint EnergyGradient;

    public nint NodeGradient;
    public nint NodeQueryGradient;
    public nint NodeKeyGradient;
    public nint NodeValueGradient;
    public nint Partials;

    public long QueryStride;
    public long GradientStride;
    public int Heads;
    public int Rows;
    public int NodeCount;
    public int LeafNodeCount;
    public int TileCount;
    public int FamilyCount;
    public int TaskCount;
    public int Depth;
    public int Form;
    public int SelfAttend;
    public float Scale;
}
