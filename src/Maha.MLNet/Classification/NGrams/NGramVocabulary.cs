using System.Runtime.InteropServices;

namespace Maha.MLNet.Classification.NGrams;

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

    private readonly Dictionary<ulong, int> _indices;

    /// <param name="hashes">V different hashes.</param>
    /// <param name="idf">V weights.</param>
    public NGramVocabulary(ulong[] hashes, float[] idf)
    {
        Hashes = hashes;
        Idf = idf;
        _indices = new Dictionary<ulong, int>(hashes.Length);
        for (int i = 0; i < hashes.Length; i++)
            _indices.Add(hashes[i], i);
    }

    public ulong[] Hashes { get; }

    public float[] Idf { get; }

    /// <summary>V.</summary>
    public int Count => Hashes.Length;

    /// <summary>Learns the n-grams of at least two documents, the most frequent ones where there are more than a limit.</summary>
    public static NGramVocabulary Learn(IEnumerable<NGramText> documents, int maxCount)
    {
        var frequencies = new Dictionary<ulong, int>();
        var seen = new HashSet<ulong>();
        int count = 0;
        foreach (var document in documents)
        {
            count++;
            seen.Clear();
            ulong previous = 0;
            for (int i = 0; i < document.Tokens.Count; i++)
            {
                ulong token = document.Tokens[i];
                seen.Add(token);
                if (i > 0)
                    seen.Add(NGramText.Pair(previous, token));
                previous = token;
            }
            foreach (ulong hash in seen)
                CollectionsMarshal.GetValueRefOrAddDefault(frequencies, hash, out _)++;
            if (frequencies.Count > MaxCounted)
                foreach (var (hash, frequency) in frequencies)
                    if (frequency == 1)
                        frequencies.Remove(hash);
        }
        // The hash makes the order one, whatever the dictionary's is.
        var kept = frequencies.Where(pair => pair.Value >= 2).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(maxCount).OrderBy(pair => pair.Key).ToList();
        return new NGramVocabulary([.. kept.Select(pair => pair.Key)], [.. kept.Select(pair => (float)(Math.Log((1.0 + count) / (1 + pair.Value)) + 1))]);
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
        return new IndexedText(tokens, pairs, [.. text.SegmentEnds]);
    }

    /// <summary>The vector of a part of a text, its n-grams in ascending order.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">The first token of the part.</param>
    /// <param name="end">Behind its last token.</param>
    public SparseVector Vector(IndexedText text, int start, int end)
    {
        int[] found = new int[2 * (end - start)];
        int count = 0;
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
        var values = new float[count];
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
internal sealed record IndexedText(int[] Tokens, int[] Pairs, int[] SegmentEnds)
{
    /// <summary>The first and the last but one token of every segment.</summary>
    public IEnumerable<(int Start, int End)> Segments() => SegmentEnds.Select((end, i) => (i == 0 ? 0 : SegmentEnds[i - 1], end));
}

/// <summary>The parts of a vector that are not 0.</summary>
internal readonly record struct SparseVector(int[] Indices, float[] Values);
