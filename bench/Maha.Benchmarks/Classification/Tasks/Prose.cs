using System.Text;

namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>A sentence of a source.</summary>
/// <param name="Text">The sentence, with its punctuation.</param>
/// <param name="Words">The number of words, separated by blanks.</param>
/// <param name="StartsParagraph">Whether a paragraph starts with it.</param>
internal readonly record struct Sentence(string Text, int Words, bool StartsParagraph);

/// <summary>The sentences of some sources, from which contiguous excerpts are drawn.</summary>
internal sealed class Prose
{
    private const int LongestSentence = 60;

    private static readonly char[] s_closing = ['"', '\'', ')', ']', '_', '*'];
    private static readonly HashSet<string> s_abbreviations = new(StringComparer.Ordinal) { "Mr.", "Mrs.", "Dr.", "St.", "Esq.", "Messrs.", "Col.", "Capt." };

    private readonly Sentence[][] _sources;
    private readonly int[] _ends;

    /// <param name="sources">The sentences of each source. No excerpt goes on from one source to the next.</param>
    public Prose(IEnumerable<Sentence[]> sources)
    {
        _sources = [.. sources];
        _ends = new int[_sources.Length];
        for (int i = 0, end = 0; i < _ends.Length; i++)
            _ends[i] = end += _sources[i].Length;
    }

    /// <summary>Draws a contiguous excerpt of one source; each sentence is equally likely to be the first.</summary>
    /// <param name="random">The random numbers.</param>
    /// <param name="words">The number of words. The excerpt ends with the first sentence that brings it within 10 words of that number or above it.</param>
    /// <param name="unlike">An excerpt that this one has no sentence of.</param>
    /// <exception cref="UsageException">The sources are too short.</exception>
    public ReadOnlySpan<Sentence> Excerpt(TaskRandom random, int words, ReadOnlySpan<Sentence> unlike = default)
    {
        for (int attempt = 0; attempt < 1000 && _ends is [.., > 0 and var last]; attempt++)
        {
            int start = random.Next(last), source = 0;
            while (start >= _ends[source])
                source++;
            var sentences = _sources[source];
            start -= _ends[source] - sentences.Length;
            int end = start, count = 0;
            while (end < sentences.Length && (end == start || count < words - 10))
                count += sentences[end++].Words;
            if (count >= words - 10 && !sentences.AsSpan(start, end - start).Overlaps(unlike))
                return sentences.AsSpan(start, end - start);
        }
        throw new UsageException($"--words must be well below the length of the longest source, but excerpts of {words} words do not fit.");
    }

    /// <summary>Returns the text of an excerpt, with an empty line between paragraphs.</summary>
    public static string Text(ReadOnlySpan<Sentence> excerpt)
    {
        var text = new StringBuilder();
        foreach (var sentence in excerpt)
            text.Append(text.Length == 0 ? "" : sentence.StartsParagraph ? "\n\n" : " ").Append(sentence.Text);
        return text.ToString();
    }

    /// <summary>Splits a text into its sentences. Headings, and sentences of more than 60 words, are left out.</summary>
    /// <param name="text">The text, with empty lines between paragraphs.</param>
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
