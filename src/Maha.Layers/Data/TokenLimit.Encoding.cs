using Maha.Layers.Text;

namespace Maha.Layers.Data;

/// <content>The encoding of documents of which only a part is read.</content>
internal static partial class TokenLimit
{
    // A token of English text has four to five characters.
    private const int CharactersPerToken = 8;
    private const int MoreCharacters = 1024;

    /// <summary>Encodes a document, or of a long one no more than what is kept needs.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="text">The document.</param>
    /// <param name="limit">As for <see cref="Cut"/>.</param>
    /// <param name="overlong">As for <see cref="Cut"/>.</param>
    /// <returns>
    /// A text and its token ids, of which <see cref="Cut"/> and <see cref="CutText"/> keep what they keep of the whole document: the document itself, or its
    /// beginning and its end.
    /// </returns>
    public static (ReadOnlyMemory<char> Text, int[] TokenIds) Encode(ITextTokenizer tokenizer, ReadOnlyMemory<char> text, int limit, OverlongDocuments overlong) =>
        EncodeParts(tokenizer, text, limit, overlong, out _);

    /// <summary>Encodes a document as <see cref="Encode"/> does, and tells where the returned text is in it.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="text">The document.</param>
    /// <param name="limit">As for <see cref="Cut"/>.</param>
    /// <param name="overlong">As for <see cref="Cut"/>.</param>
    /// <param name="head">The number of characters of the returned text that are from the beginning of the document; the others are from its end.</param>
    /// <returns>As for <see cref="Encode"/>.</returns>
    public static (ReadOnlyMemory<char> Text, int[] TokenIds) EncodeParts(
        ITextTokenizer tokenizer, ReadOnlyMemory<char> text, int limit, OverlongDocuments overlong, out int head)
    {
        head = text.Length;
        // With Throw, the message has the number of tokens of the whole document.
        if (overlong == OverlongDocuments.Throw || !Enum.IsDefined(overlong))
            return (text, tokenizer.Encode(text.Span));
        int keptAtEnd = KeptAtEnd(limit, overlong), keptAtStart = limit - keptAtEnd;
        for (long each = (CharactersPerToken * (long)limit) + MoreCharacters; 2 * each < text.Length; each *= 2)
        {
            int start = keptAtStart == 0 ? 0 : BoundaryBefore(text.Span, (int)each);
            int end = keptAtEnd == 0 ? text.Length : BoundaryAfter(text.Span, text.Length - (int)each);
            if (start < 0 || end < 0)
                continue;
            int[] first = tokenizer.Encode(text.Span[..start]), last = tokenizer.Encode(text.Span[end..]);
            // One more than the limit, so that both are known to be cut.
            if (first.Length < keptAtStart || last.Length < keptAtEnd || first.Length + last.Length <= limit)
                continue;
            var part = start == 0 ? text[end..] : end == text.Length ? text[..start] : string.Concat(text.Span[..start], text.Span[end..]).AsMemory();
            head = start;
            return (part, [.. first, .. last]);
        }
        return (text, tokenizer.Encode(text.Span));
    }

    /// <summary>Returns a place near a position where a word ends for every tokenizer, so that both parts can be encoded alone; else the end of the text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="position">The position, at least 1.</param>
    public static int WordEnd(ReadOnlySpan<char> text, int position)
    {
        if (position >= text.Length)
            return text.Length;
        int end = BoundaryBefore(text, position);
        if (end < 0)
            end = BoundaryAfter(text, position);
        return end < 0 ? text.Length : end;
    }

    // The last place at or before a position where a word ends for every tokenizer, whatever follows; -1 if there is none.
    private static int BoundaryBefore(ReadOnlySpan<char> text, int position)
    {
        for (int i = position; i > 0; i--)
        {
            if (IsBoundary(text, i))
                return i;
        }
        return -1;
    }

    private static int BoundaryAfter(ReadOnlySpan<char> text, int position)
    {
        for (int i = Math.Max(1, position); i < text.Length; i++)
        {
            if (IsBoundary(text, i))
                return i;
        }
        return -1;
    }

    // One space between two letters, which belongs to the word after it. ASCII, since accents may be in characters of their own.
    private static bool IsBoundary(ReadOnlySpan<char> text, int i) =>
        i > 0 && i + 1 < text.Length && text[i] == ' ' && char.IsAsciiLetter(text[i - 1]) && char.IsAsciiLetter(text[i + 1]);
}
