using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

// V n-grams, n documents

/// <summary>Which single tokens and pairs of tokens a model knows, and what each weighs.</summary>
/// <remarks>
/// An n-gram is known by a 64-bit hash. It weighs idf = ln((1 + n) / (1 + df)) + 1 with df of the n training documents; a vector has (1 + ln count) idf,
/// scaled to the length 1.
/// </remarks>
internal sealed class NGramVocabulary
{
    // Where counting would take more memory than this (about 40 bytes an entry), n-grams of one document so far are forgotten.
    private const int MaxCounted = 1 << 23;

    // Added to the frequency of an n-gram whose first document is of a small class.
    private const int OfSmallClass = 1 << 30;

    private readonly Dictionary<ulong, int> _indices;

    /// <param name="hashes">V different hashes.</param>
    /// <param name="idf">V weights.</param>
    /// <param name="hasCharacters">Whether characters are among the n-grams.</param>
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

    /// <summary>Whether three characters in a row are n-grams too.</summary>
    public bool HasCharacters { get; }

    /// <summary>V.</summary>
    public int Count => Hashes.Length;

    /// <summary>Learns the n-grams of at least two documents, the most frequent ones where there are more than a limit.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="maxCount">The limit.</param>
    /// <param name="isOfSmallClass">
    /// Of which documents, by their number, a token that no other document has is learned too: where a class has few documents, most of its words stand in one of them, and a pair of them is as good as none. Null for none.
    /// </param>
    public static NGramVocabulary Learn(IEnumerable<NGramText> documents, int maxCount, Func<int, bool>? isOfSmallClass = null)
    {
        var frequencies = new Dictionary<ulong, int>();
        var seen = new HashSet<ulong>();
        int count = 0;
        bool hasCharacters = false;
        foreach (var document in documents)
        {
            int once = isOfSmallClass?.Invoke(count) == true ? OfSmallClass + 1 : 1;
            count++;
            seen.Clear();
            ulong previous = 0;
            for (int i = 0; i < document.Tokens.Count; i++)
            {
                ulong token = document.Tokens[i];
                if (seen.Add(token))
                    Count(token, once);
                if (i > 0 && NGramText.Pair(previous, token) is var pair && seen.Add(pair))
                    Count(pair, 1);
                previous = token;
            }
            hasCharacters |= document.Characters.Count > 0;
            foreach (ulong characters in document.Characters)
            {
                if (seen.Add(characters))
                    Count(characters, 1);
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
        void Count(ulong hash, int first) => CollectionsMarshal.GetValueRefOrAddDefault(frequencies, hash, out bool exists) += exists ? 1 : first;
        var kept = new List<(ulong Hash, int Frequency)>();
        foreach (var (hash, frequency) in frequencies)
        {
            if (frequency >= 2)
                kept.Add((hash, frequency >= OfSmallClass ? frequency - OfSmallClass : frequency));
        }

        if (kept.Count > maxCount)
        {
            // The hash makes the order one, whatever the dictionary's is.
            kept.Sort((a, b) => a.Frequency != b.Frequency ? b.Frequency.CompareTo(a.Frequency) : a.Hash.CompareTo(b.Hash));
            kept.RemoveRange(maxCount, kept.Count - maxCount);
        }
        kept.Sort((a, b) => a.Hash.CompareTo(b.Hash));
        return new NGramVocabulary([.. kept.Select(pair => pair.Hash)], [.. kept.Select(pair => (float)(Math.Log((1.0 + count) / (1 + pair.Frequency)) + 1))], hasCharacters);
    }

    /// <summary>Looks the n-grams of a text up.</summary>
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

    /// <summary>The vector of a part of a text, its n-grams in ascending order.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">The first token of the part.</param>
    /// <param name="end">Behind its last token.</param>
    public SparseVector Vector(IndexedText text, int start, int end)
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

    private int IndexOf(ulong hash) => _indices.TryGetValue(hash, out int index) ? index : -1;
}

/// <summary>A text whose n-grams were looked up.</summary>
/// <param name="Tokens">The index of every token, -1 where it is not known.</param>
/// <param name="Pairs">The index of every token with the one before it, likewise.</param>
/// <param name="SegmentEnds">The end of every segment, in tokens.</param>
/// <param name="Characters">The index of all characters in a row, likewise; empty where the vocabulary has none.</param>
/// <param name="CharacterEnds">The end of each token's characters.</param>
internal sealed record IndexedText(int[] Tokens, int[] Pairs, int[] SegmentEnds, int[] Characters, int[] CharacterEnds)
{
    /// <summary>The characters of some tokens.</summary>
    public ReadOnlySpan<int> CharactersOf(int start, int end)
        => CharacterEnds.Length == 0 || start == end ? [] : Characters.AsSpan((start == 0 ? 0 : CharacterEnds[start - 1])..CharacterEnds[end - 1]);

    /// <summary>The text as it would be without some of the n-grams.</summary>
    /// <param name="isKnown">By index, whether an n-gram stays.</param>
    public IndexedText Where(bool[] isKnown)
    {
        int[] Kept(int[] indices)
        {
            int[] kept = new int[indices.Length];
            for (int i = 0; i < kept.Length; i++)
                kept[i] = indices[i] >= 0 && isKnown[indices[i]] ? indices[i] : -1;
            return kept;
        }
        return new IndexedText(Kept(Tokens), Kept(Pairs), SegmentEnds, Kept(Characters), CharacterEnds);
    }

    /// <summary>The first token of every segment, and the one behind its last.</summary>
    public IEnumerable<(int Start, int End)> Segments() => SegmentEnds.Select((end, i) => (i == 0 ? 0 : SegmentEnds[i - 1], end));
}

/// <summary>The parts of a vector that are not 0.</summary>
internal readonly record struct SparseVector(int[] Indices, float[] Values);
