using Maha.Layers.Core;
using Maha.Layers.Text;

namespace Maha.Layers.Trees;

/// <summary>Builds the tree of a document from its text: tokens, sentences, paragraphs, document.</summary>
/// <remarks>
/// A node has at most <c>maxBranching</c> children, because attention between b children costs b^2. A sentence of more tokens is cut after every
/// <c>maxBranching</c> of them, a paragraph of more sentences likewise, and more paragraphs are grouped by additional levels. Text without punctuation
/// therefore becomes a tree of blocks.
/// </remarks>
public static class TextHierarchy
{
    /// <summary>The default of the largest number of children of a node. Few sentences have more tokens.</summary>
    public const int DefaultMaxBranching = 64;

    /// <summary>Tokenizes a text and builds its tree.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="text">Any text.</param>
    /// <param name="ids">The token ids.</param>
    /// <param name="maxTokens">The largest number of tokens to keep, at least 1; the rest of the text is ignored.</param>
    /// <param name="maxBranching">The largest number of children of a node, at least 2.</param>
    /// <returns>The tree over the ids; null where the text has no token.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is too small.</exception>
    public static TokenHierarchy? Encode(
        ByteLevelBpeTokenizer tokenizer, ReadOnlySpan<char> text, out int[] ids, int maxTokens = int.MaxValue, int maxBranching = DefaultMaxBranching)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        ids = tokenizer.Encode(text, out int[] offsets);
        if (ids.Length > maxTokens)
            (ids, offsets) = (ids[..maxTokens], offsets[..(maxTokens + 1)]);
        return ids.Length == 0 ? null : FromOffsets(text, offsets, maxBranching);
    }

    /// <summary>Builds the tree of a text whose tokens are known.</summary>
    /// <param name="text">The text.</param>
    /// <param name="offsets">
    /// One number more than there are tokens: token i covers the characters [offsets[i], offsets[i + 1]). The tokens may end before the text.
    /// </param>
    /// <param name="maxBranching">The largest number of children of a node, at least 2.</param>
    /// <returns>The tree over the tokens.</returns>
    /// <exception cref="ArgumentException">
    /// There is no token, the offsets decrease or are outside the text, or <paramref name="maxBranching"/> is below 2.
    /// </exception>
    public static TokenHierarchy FromOffsets(ReadOnlySpan<char> text, ReadOnlySpan<int> offsets, int maxBranching = DefaultMaxBranching)
    {
        TensorChecks.InRange(maxBranching, 2, int.MaxValue, nameof(maxBranching), "64 is usual.");
        if (offsets.Length < 2)
        {
            throw new ArgumentException(
                $"offsets must hold one number more than there are tokens, and there must be at least one token, but they hold {offsets.Length}. "
                + "Leave out empty documents.",
                nameof(offsets));
        }
        for (int i = 0; i < offsets.Length; i++)
        {
            if (offsets[i] < (i == 0 ? 0 : offsets[i - 1]) || offsets[i] > text.Length)
            {
                string previous = i == 0 ? "" : $" after {offsets[i - 1]}";
                throw new ArgumentException(
                    $"offsets must rise from 0 to at most the {text.Length} characters of the text, but offset {i} is {offsets[i]}{previous}.",
                    nameof(offsets));
            }
        }
        int numTokens = offsets.Length - 1;
        var (sentences, paragraphs) = (new List<int>(), new List<int>()); // the ends of the parts, in tokens
        int token = 0;
        foreach (var boundary in TextBoundaries.Find(text))
        {
            while (token < numTokens && offsets[token + 1] <= boundary.Start)
                token++;
            if (token == numTokens)
                break;
            if (token > 0 && (sentences.Count == 0 || sentences[^1] < token))
                sentences.Add(token);
            if (token > 0 && boundary.BeginsParagraph && (paragraphs.Count == 0 || paragraphs[^1] < token))
                paragraphs.Add(token);
        }
        return Build(numTokens, sentences, paragraphs, maxBranching);
    }

    /// <summary>Builds the tree of a document from the ends of its sentences and paragraphs except the last ones. Both lists are changed.</summary>
    internal static TokenHierarchy Build(int numTokens, List<int> sentences, List<int> paragraphs, int maxBranching)
    {
        sentences.Add(numTokens);
        paragraphs.Add(numTokens);
        var levels = new List<IReadOnlyList<int>> { Cut(Enumerable.Range(1, numTokens), sentences, maxBranching) };
        levels.Add(Cut(levels[0], paragraphs, maxBranching));
        while (levels[^1].Count > maxBranching)
            levels.Add(Cut(levels[^1], [numTokens], maxBranching));
        return TokenHierarchy.FromEnds(numTokens, [.. levels]);
    }

    // Returns the ends of parts of at most maxBranching finer parts each: the requested ends and, where they are too far apart, ends between them.
    private static List<int> Cut(IEnumerable<int> finer, List<int> requested, int maxBranching)
    {
        var ends = new List<int>();
        int held = 0, next = 0;
        foreach (int end in finer)
        {
            held++;
            bool isRequested = end == requested[next];
            if (isRequested || held == maxBranching)
            {
                ends.Add(end);
                held = 0;
            }
            if (isRequested)
                next++;
        }
        return ends;
    }
}
