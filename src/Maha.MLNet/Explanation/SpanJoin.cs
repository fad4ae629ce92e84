namespace Maha.MLNet.Explanation;

/// <summary>Joins the spans of n-grams and of a network.</summary>
internal static class SpanJoin
{
    /// <summary>
    /// Divides the contribution of each window among the words that begin in it, in proportion to their lengths. Where none begins in a window, the word that
    /// reaches into it has the share of the part that it covers, and the rest is a span of its own. So spans do not overlap, also where a window ends within a word.
    /// </summary>
    /// <param name="words">The words in the order of the text.</param>
    /// <param name="windows">The windows in the order of the text; they do not overlap.</param>
    public static IReadOnlyList<TextSpan> Join(IReadOnlyList<TextSpan> words, IReadOnlyList<TextSpan> windows)
    {
        if (windows.Count == 0 || words.Count == 0)
            return words.Count == 0 ? windows : words;
        var joined = new List<TextSpan>(words.Count);
        int next = 0;
        foreach (var window in windows)
        {
            for (; next < words.Count && words[next].Start < window.Start; next++)
                joined.Add(words[next]);
            int first = next, length = 0;
            for (; next < words.Count && words[next].Start < window.End; next++)
                length += words[next].Length;
            if (length == 0)
            {
                int covered = joined.Count == 0 ? 0 : Math.Clamp(joined[^1].End - window.Start, 0, window.Length);
                double part = window.Contribution * covered / window.Length;
                if (covered > 0)
                    joined[^1] = joined[^1] with { Contribution = joined[^1].Contribution + part, Source = SpanSource.Both };
                if (covered < window.Length)
                    joined.Add(window with { Start = window.Start + covered, Length = window.Length - covered, Contribution = window.Contribution - part });
            }
            for (int i = first; i < next; i++)
            {
                var word = words[i];
                double share = (double)word.Length / length;
                joined.Add(word with { Contribution = word.Contribution + (share * window.Contribution), Source = SpanSource.Both });
            }
        }
        joined.AddRange(words.Skip(next));
        return joined;
    }
}
