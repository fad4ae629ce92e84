using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

// V n-grams, n documents

/// <summary>The tokens, pairs of adjacent tokens and character trigrams of a model, and their weights.</summary>
/// <remarks>
/// An n-gram is identified by a 64-bit hash. If df of the n training documents have it, its weight is idf = ln((1 + n) / (1 + df)) + 1. The vector of a text
/// has the elements (1 + ln count) idf, scaled to the length 1.
/// </remarks>
internal sealed class NGramVocabulary
{
    // Each counted n-gram takes about 40 bytes. With more n-grams than this, those that only one document has so far are dropped.
    private const int MaxCounted = 1 << 23;

    // Added to the frequency of a token whose first document is of a small class, so that it is kept.
    private const int SmallClassMark = 1 << 30;

    private readonly Dictionary<ulong, int> _indices;

    /// <param name="hashes">The hashes of the V n-grams, all different.</param>
    /// <param name="idf">Their weights, [V].</param>
    /// <param name="hasCharacters">Whether character trigrams are among the n-grams.</param>
    public NGramVocabulary(ulong[] hashes, float[] idf, bool hasCharacters = false)
    {
        HasCharacters = hasCharacters;
        Hashes = hashes;
        Idf = idf;
        _indices = new Dictionary<ulong, int>(hashes.Length);
        for (int i = 0; i < hashes.Length; i++)
            _indices.Add(hashes[i], i);
    }

    public ulong[] Hashes { get; }

    public float[] Idf { get; }

    /// <summary>Whether character trigrams are among the n-grams.</summary>
    public bool HasCharacters { get; }

    /// <summary>V.</summary>
    public int Count => Hashes.Length;

    /// <summary>Learns the n-grams that at least two documents have.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="maxCount">The largest number of n-grams. If there are more, the most frequent ones are kept.</param>
    /// <param name="isOfSmallClass">
    /// Whether the document with an index is of a small class; null for none. Tokens that only such a document has are learned too, since most words of
    /// a small class occur in one of its documents only. Pairs are not: another document hardly ever has the same.
    /// </param>
    public static NGramVocabulary Learn(IEnumerable<NGramText> documents, int maxCount, Func<int, bool>? isOfSmallClass = null)
    {
        var frequencies = new Dictionary<ulong, int>();
        var seen = new HashSet<ulong>();
        int count = 0;
        bool hasCharacters = false;
        foreach (var document in documents)
        {
            int first = isOfSmallClass?.Invoke(count) == true ? SmallClassMark + 1 : 1;
            count++;
            seen.Clear();
            ulong previous = 0;
            for (int i = 0; i < document.Tokens.Count; i++)
            {
                ulong token = document.Tokens[i];
                if (seen.Add(token))
                    Add(token, first);
                if (i > 0 && NGramText.Pair(previous, token) is var pair && seen.Add(pair))
                    Add(pair, 1);
                previous = token;
            }
            hasCharacters |= document.Characters.Count > 0;
            foreach (ulong characters in document.Characters)
            {
                if (seen.Add(characters))
                    Add(characters, 1);
            }

            if (frequencies.Count > MaxCounted)
            {
                foreach (var (hash, frequency) in frequencies)
                {
                    if (frequency == 1)
                        frequencies.Remove(hash);
                }
            }
        }
        var kept = MostFrequent(frequencies, maxCount);
        float[] idf = [.. kept.Select(pair => (float)(Math.Log((1.0 + count) / (1 + pair.Frequency)) + 1))];
        return new NGramVocabulary([.. kept.Select(pair => pair.Hash)], idf, hasCharacters);

        void Add(ulong hash, int first) => CollectionsMarshal.GetValueRefOrAddDefault(frequencies, hash, out bool exists) += exists ? 1 : first;
    }

    // The n-grams to keep, by hash.
    private static List<(ulong Hash, int Frequency)> MostFrequent(Dictionary<ulong, int> frequencies, int maxCount)
    {
        var kept = new List<(ulong Hash, int Frequency)>();
        foreach (var (hash, frequency) in frequencies)
        {
            if (frequency >= 2)
                kept.Add((hash, frequency >= SmallClassMark ? frequency - SmallClassMark : frequency));
        }

        if (kept.Count > maxCount)
        {
            // The order of a dictionary is not defined: equal frequencies are ordered by hash.
            kept.Sort((a, b) => a.Frequency != b.Frequency ? b.Frequency.CompareTo(a.Frequency) : a.Hash.CompareTo(b.Hash));
            kept.RemoveRange(maxCount, kept.Count - maxCount);
        }
        kept.Sort((a, b) => a.Hash.CompareTo(b.Hash));
        return kept;
    }

    /// <summary>Looks up the n-grams of a text.</summary>
    public IndexedText Index(NGramText text)
    {
        int[] tokens = new int[text.Tokens.Count], pairs = new int[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = IndexOf(text.Tokens[i]);
            pairs[i] = i == 0 ? -1 : IndexOf(NGramText.Pair(text.Tokens[i - 1], text.Tokens[i]));
        }
        return new IndexedText(tokens, pairs, [.. text.SegmentEnds], [.. text.Characters.Select(IndexOf)], [.. text.CharacterEnds]);
    }

    /// <summary>Computes the vector of a part of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">The first token of the part.</param>
    /// <param name="end">The end of the part, exclusive.</param>
    public SparseVector Vectorize(IndexedText text, int start, int end)
    {
        var characters = text.CharactersOf(start, end);
        int[] found = new int[2 * (end - start) + characters.Length];
        int count = 0;
        foreach (int index in characters)
        {
            if (index >= 0)
                found[count++] = index;
        }

        for (int i = start; i < end; i++)
        {
            if (text.Tokens[i] >= 0)
                found[count++] = text.Tokens[i];
            if (i > start && text.Pairs[i] >= 0)
                found[count++] = text.Pairs[i];
        }
        var sorted = found.AsSpan(0, count);
        sorted.Sort();
        int distinct = 0;
        float[] values = new float[count];
        double squares = 0;
        for (int first = 0, next; first < count; first = next)
        {
            for (next = first + 1; next < count && sorted[next] == sorted[first]; next++)
            {
            }
            double value = (1 + Math.Log(next - first)) * Idf[sorted[first]];
            squares += value * value;
            sorted[distinct] = sorted[first];
            values[distinct++] = (float)value;
        }
        float scale = squares > 0 ? (float)(1 / Math.Sqrt(squares)) : 0;
        foreach (ref float value in values.AsSpan(0, distinct))
            value *= scale;
        return new SparseVector(found[..distinct], values[..distinct]);
    }

    /// <summary>Computes the vector of a part of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="part">The first token of the part, and its end, exclusive.</param>
    public SparseVector Vectorize(IndexedText text, (int Start, int End) part) => Vectorize(text, part.Start, part.End);

    private int IndexOf(ulong hash) => _indices.TryGetValue(hash, out int index) ? index : -1;
}
