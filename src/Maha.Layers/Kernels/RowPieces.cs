using System.Runtime.CompilerServices;

namespace Maha.Layers.Kernels;

/// <summary>Rows split into pieces of nearly equal size that start at whole register tiles.</summary>
/// <remarks>The data of a piece stays in the second-level cache. If there are at least 64 rows, every piece has at least the rows of a tile.</remarks>
internal readonly struct RowPieces(long rows)
{
    /// <summary>The rows of a piece, up to a tile more.</summary>
    public const int Rows = 128;

    /// <summary>The rows that the scratch memory of a piece must have.</summary>
    public const int MostRows = Rows + MicroTile.Rows;

    /// <summary>The number of pieces.</summary>
    public int Count { get; } = checked((int)((rows + Rows - 1) / Rows));

    /// <summary>The first row of a piece; the number of rows for the piece after the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Start(int piece) => piece == Count ? rows : rows * piece / Count / MicroTile.Rows * MicroTile.Rows;
}
