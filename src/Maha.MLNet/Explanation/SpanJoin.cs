namespace Maha.MLNet.Explanation;

/// <summary>Joins the spans of n-grams and of a network.</summary>
internal static class SpanJoin
{
    /// <summary>
    /// Divides the contribution of each window among the words that begin in it, in proportion to their lengths. Where none begins in a window, its contribution
    /// is that of the word that reaches into it, or of a span of its own. So spans do not overlap, also where a window ends within a word.
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
                if (joined.Count > 0 && joined[^1] is var last && last.End > window.Start)
                    joined[^1] = last with { Contribution = last.Contribution + window.Contribution, Source = SpanSource.Both };
                else
                    joined.Add(window);
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
