using System.Runtime.CompilerServices;

namespace Maha.Layers.Kernels;

/// <summary>Rows cut into pieces of nearly equal size that start at whole register tiles.</summary>
/// <remarks>What a piece reads and makes on the way stays in the second-level cache. No piece of 64 rows or more has fewer than a tile's rows.</remarks>
internal readonly struct RowPieces(long rows)
{
    /// <summary>The most rows of a piece, up to a tile more.</summary>
    public const int Rows = 128;

    /// <summary>Rows that scratch memory of a piece must have.</summary>
    public const int MostRows = Rows + MicroTile.Rows;

    /// <summary>The number of pieces.</summary>
    public int Count { get; } = checked((int)((rows + Rows - 1) / Rows));

    /// <summary>The first row of a piece; the number of rows for the piece behind the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Start(int piece) => piece == Count ? rows : rows * piece / Count / MicroTile.Rows * MicroTile.Rows;
}
