using System.Numerics;

namespace Maha.Layers.Text;

/// <summary>
/// Encodes one word: starts with its bytes and repeatedly applies the merge learned earliest, leftmost first, until none applies.
/// </summary>
/// <remarks>
/// O(n^2) moves in the worst case for a word of n bytes, but n is at most 192, and both the search for the next merge and the
/// moves are vectorized. A merge needs two table lookups. The slow twin in the tests is NaiveBpe.
/// </remarks>
internal sealed class WordEncoder
{
    private readonly MergeTable _merges;
    private readonly int _firstByteId;

    internal WordEncoder(BpeVocabulary vocabulary)
    {
        _merges = new MergeTable(vocabulary.Merges, vocabulary.FirstMergeId);
        _firstByteId = vocabulary.FirstByteId;
    }

    /// <summary>Writes the ids of a word to a span of at least <see cref="WordScanner.MaxWordBytes"/> elements and returns their number.</summary>
    internal int Encode(ReadOnlySpan<char> word, Span<int> ids)
    {
        Span<byte> bytes = stackalloc byte[WordScanner.MaxWordBytes];
        int length = Wtf8.Encode(word, bytes);
        for (int i = 0; i < length; i++)
            ids[i] = _firstByteId + bytes[i];

        // merged[i] is the token that ids[i] and ids[i + 1] merge into. A smaller id was learned earlier.
        Span<int> mergedBuffer = stackalloc int[WordScanner.MaxWordBytes];
        var merged = mergedBuffer[..(length - 1)];
        for (int i = 0; i < merged.Length; i++)
            merged[i] = _merges.Find(ids[i], ids[i + 1]);

        while (merged.Length > 0)
        {
            int best = Min(merged);
            if (best == MergeTable.None)
                break;

            int at = merged.IndexOf(best);
            ids[at] = best;
            ids[(at + 2)..length].CopyTo(ids[(at + 1)..]);
            length--;
            merged[(at + 1)..].CopyTo(merged[at..]);
            merged = merged[..^1];
            if (at > 0)
                merged[at - 1] = _merges.Find(ids[at - 1], best);

            if (at < merged.Length)
                merged[at] = _merges.Find(best, ids[at + 1]);
        }

        return length;
    }

    private static int Min(ReadOnlySpan<int> values)
    {
        int min = MergeTable.None;
        int i = 0;
        if (values.Length >= Vector<int>.Count)
        {
            var smallest = new Vector<int>(values);
            for (i = Vector<int>.Count; i <= values.Length - Vector<int>.Count; i += Vector<int>.Count)
                smallest = Vector.Min(smallest, new Vector<int>(values[i..]));

            for (int lane = 0; lane < Vector<int>.Count; lane++)
                min = Math.Min(min, smallest[lane]);
        }

        for (; i < values.Length; i++)
            min = Math.Min(min, values[i]);

        return min;
    }
}
