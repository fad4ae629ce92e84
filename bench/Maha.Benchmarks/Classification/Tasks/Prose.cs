namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>A sentence of a source.</summary>
/// <param name="Text">The sentence, with its punctuation.</param>
/// <param name="Words">The number of words, separated by blanks.</param>
/// <param name="StartsParagraph">Whether a paragraph starts with it.</param>
internal readonly record struct Sentence(string Text, int Words, bool StartsParagraph);

/// <summary>The sentences of some sources, from which contiguous excerpts are drawn.</summary>
/// <remarks>Headings and sentences of more than 60 words are left out, so that an excerpt has about the number of words that is asked for.</remarks>
internal sealed class Prose
{
    private const int LongestSentence = 60;

    private static readonly char[] s_closing = ['"', '\'', ')', ']', '_', '*'];
    private static readonly HashSet<string> s_abbreviations = new(StringComparer.Ordinal) { "Mr.", "Mrs.", "Dr.", "St.", "Esq.", "Messrs.", "Col.", "Capt." };

    private readonly Sentence[][] _sources;
    private readonly int[] _ends;

    /// <param name="sources">The texts, with empty lines between paragraphs.</param>
    public Prose(IEnumerable<string> sources)
    {
        _sources = [.. sources.Select(text => Sentences(text).ToArray())];
        _ends = new int[_sources.Length];
        for (int i = 0, end = 0; i < _ends.Length; i++)
            _ends[i] = end += _sources[i].Length;
    }

    /// <summary>Draws a contiguous excerpt of one source; each sentence is equally likely to be the first.</summary>
    /// <param name="random">The random numbers.</param>
    /// <param name="words">The number of words. The excerpt ends with the first sentence that brings it within 10 words of that number or above it.</param>
    /// <exception cref="UsageException">The sources are too short.</exception>
    public ReadOnlySpan<Sentence> Excerpt(TaskRandom random, int words)
    {
        for (int attempt = 0; attempt < 100 && _ends is [.., > 0 and var last]; attempt++)
        {
            int start = random.Next(last), source = 0;
            while (start >= _ends[source])
                source++;
            var sentences = _sources[source];
            start -= _ends[source] - sentences.Length;
            int end = start;
            for (int count = 0; end < sentences.Length && count < words - 10; end++)
                count += sentences[end].Words;
            if (end < sentences.Length)
                return sentences.AsSpan(start, Math.Max(end - start, 1));
        }
        throw new UsageException($"--words must be well below the length of the longest source, but excerpts of {words} words do not fit.");
    }

    /// <summary>Splits a text into its sentences.</summary>
    internal static IEnumerable<Sentence> Sentences(string text)
    {
        foreach (string paragraph in text.Split("\n\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = paragraph.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            // Prose ends with a full stop; headings, years and names of authors do not.
            if (!EndsSentence(words[^1]))
                continue;
            bool starts = true;
            for (int start = 0, i = 0; i < words.Length; i++)
            {
                if (i + 1 < words.Length && !(EndsSentence(words[i]) && StartsSentence(words[i + 1])))
                    continue;
                int count = i + 1 - start;
                if (count <= LongestSentence)
                {
                    yield return new Sentence(string.Join(' ', words, start, count), count, starts);
                    starts = false;
                }
                start = i + 1;
            }
        }
    }

    private static bool EndsSentence(string word)
    {
        string bare = word.TrimEnd(s_closing);
        return bare is [.., '.' or '!' or '?'] && !s_abbreviations.Contains(bare.TrimStart('"', '(', '_')) && bare is not [_, '.'];
    }

    private static bool StartsSentence(string word) => char.IsUpper(word[0]) || word[0] is '"' or '_' or '(' or '\'';
}
