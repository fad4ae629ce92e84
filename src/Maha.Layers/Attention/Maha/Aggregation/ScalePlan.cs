using System.Numerics;
using System.Runtime.CompilerServices;

namespace Maha.Layers.Attention;

/// <summary>The memory layout of the scales: token i of a document is row i / Cells[s] of scale s.</summary>
/// <param name="Batch">B, the number of documents.</param>
/// <param name="Length">N, the number of rows per document at the finest scale.</param>
/// <param name="Width">D, the number of channels.</param>
/// <param name="Cells">r^s, the number of tokens that share one coarse token, per scale.</param>
/// <param name="ScaleLengths">The number of rows per document in memory, per scale.</param>
internal sealed record ScalePlan(int Batch, int Length, int Width, long[] Cells, int[] ScaleLengths)
{
    // The approximate number of tokens of a piece of work; a piece is a whole number of the coarsest cells.
    private const int TokensPerPiece = 512;

    /// <summary>S, the number of scales.</summary>
    public int Scales => Cells.Length;

    /// <summary>The number of tokens per piece. No two pieces use the same row of any scale.</summary>
    public long PieceLength => (TokensPerPiece + Cells[^1] - 1) / Cells[^1] * Cells[^1];

    /// <summary>The number of pieces per document.</summary>
    public int Pieces => (int)((Length + PieceLength - 1) / PieceLength);

    /// <summary>Returns the row of a scale to which a token of a document belongs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe T* Row<T>(nint[] scales, int scale, int document, long token)
        where T : unmanaged, INumber<T> => (T*)scales[scale] + ((((long)document * ScaleLengths[scale]) + (token / Cells[scale])) * Width);
}
