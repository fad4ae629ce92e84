using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.Layers.Generation;

/// <summary>Encodes a long text piece by piece, so that a cancellation is noticed.</summary>
internal static class TextPieces
{
    private const int PieceLength = 1 << 20;

    /// <summary>Encodes a text.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Checked before every piece.</param>
    /// <param name="pieceLength">The length of a piece, at least 2; a piece is longer where a word can't be known to end.</param>
    /// <returns>The token ids, which are those of the text as a whole.</returns>
    /// <exception cref="OperationCanceledException">The encoding was canceled.</exception>
    public static int[] Encode(ITextTokenizer tokenizer, ReadOnlySpan<char> text, CancellationToken cancellationToken, int pieceLength = PieceLength)
    {
        if (text.Length <= pieceLength)
            return tokenizer.Encode(text);
        var pieces = new List<int[]>();
        while (text.Length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int end = TokenLimit.WordEnd(text, pieceLength);
            pieces.Add(tokenizer.Encode(text[..end]));
            text = text[end..];
        }
        return [.. pieces.SelectMany(piece => piece)];
    }
}
