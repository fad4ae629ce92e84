using System.Numerics;
using System.Runtime.CompilerServices;

namespace Maha.Layers.Attention;

/// <summary>Where token i of a document is found at each scale: row i / Cells[s] of scale s.</summary>
/// <param name="Batch">B, documents.</param>
/// <param name="Length">N, rows per document at the finest scale.</param>
/// <param name="Width">D, channels.</param>
/// <param name="Cells">r^s per scale: tokens that share one coarse token.</param>
/// <param name="ScaleLengths">Rows per document in memory per scale.</param>
internal sealed record ScalePlan(int Batch, int Length, int Width, long[] Cells, int[] ScaleLengths)
{
    // About this many tokens make a piece of work; a piece is a whole number of the coarsest cells.
    private const int TokensPerPiece = 512;

    /// <summary>S, the number of scales.</summary>
    public int Scales => Cells.Length;

    /// <summary>Tokens per piece: no two pieces touch the same row of any scale.</summary>
    public long PieceLength => (TokensPerPiece + Cells[^1] - 1) / Cells[^1] * Cells[^1];

    /// <summary>Pieces per document.</summary>
    public int Pieces => (int)((Length + PieceLength - 1) / PieceLength);

    /// <summary>The row of scale <paramref name="scale"/> that token <paramref name="token"/> of a document reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe T* Row<T>(nint[] scales, int scale, int document, long token)
        where T : unmanaged, INumber<T> => (T*)scales[scale] + (((long)document * ScaleLengths[scale]) + (token / Cells[scale])) * Width;
}
