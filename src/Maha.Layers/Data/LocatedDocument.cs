using Maha.Layers.Text;

namespace Maha.Layers.Data;

/// <summary>A document as a model reads it, and where what is read lies in the document. Positions are UTF-16 code units.</summary>
internal sealed class LocatedDocument
{
    // Of the kept text, the characters before it are from the beginning of the document. The others are from its end.
    private readonly int _head;
    private readonly int _leftOut;

    private LocatedDocument(ReadOnlyMemory<char> text, int head, int documentLength) =>
        (Text, _head, _leftOut) = (text, head, documentLength - text.Length);

    /// <summary>The kept tokens, see <see cref="TokenLimit.Cut"/>.</summary>
    public required ReadOnlyMemory<int> TokenIds { get; init; }

    /// <summary>The place of each kept token in the document. A token that does not end a character, or a word of WordPiece, has an empty place.</summary>
    public required IReadOnlyList<(int Start, int End)> Places { get; init; }

    /// <summary>The first token after the part of the document that is left out between two kept parts; 0 if there is none.</summary>
    public required int Seam { get; init; }

    /// <summary>The text of the kept tokens, see <see cref="TokenLimit.CutText"/>.</summary>
    public ReadOnlyMemory<char> Text { get; }

    /// <summary>Reads a document.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="document">The document.</param>
    /// <param name="limit">As for <see cref="TokenLimit.Cut"/>.</param>
    /// <param name="overlong">As for <see cref="TokenLimit.Cut"/>.</param>
    /// <exception cref="ArgumentException">The document is longer than the limit and <paramref name="overlong"/> does not allow it.</exception>
    public static LocatedDocument Read(ITextTokenizer tokenizer, ReadOnlyMemory<char> document, int limit, OverlongDocuments overlong)
    {
        var (part, all) = TokenLimit.EncodeParts(tokenizer, document, limit, overlong, out int partHead);
        var ids = TokenLimit.Cut(all, limit, overlong);
        var text = TokenLimit.CutTextParts(part, all, limit, overlong, tokenizer, out int head);
        int cut = all.Length - ids.Length, kept = cut == 0 ? ids.Length : limit - TokenLimit.KeptAtEnd(limit, overlong);
        int[] ends = tokenizer.EndsOf(part.Span, all);
        int skipped = document.Length - part.Length;
        var places = new (int Start, int End)[ids.Length];
        for (int i = 0; i < places.Length; i++)
        {
            int token = i < kept ? i : i + cut;
            int start = token == 0 ? 0 : ends[token - 1], end = ends[token];
            places[i] = (start < partHead ? start : start + skipped, end <= partHead ? end : end + skipped);
        }
        return new LocatedDocument(text, head, document.Length) { TokenIds = ids, Places = places, Seam = kept < ids.Length ? kept : 0 };
    }

    /// <summary>Returns the parts of the document that a part of <see cref="Text"/> is: two where it spans what is left out between them.</summary>
    public IEnumerable<(int Start, int End)> PlacesOf(int start, int end)
    {
        if (start < _head && end > _head && _leftOut > 0)
            return [(start, _head), (_head + _leftOut, end + _leftOut)];
        return start < _head || _leftOut == 0 ? [(start, end)] : [(start + _leftOut, end + _leftOut)];
    }
}
