using System.Text;
using Maha.Layers.Core;
using Maha.Layers.Text;

namespace Maha.Layers.Trees;

// B batch, N length, V vocabulary

/// <summary>
/// Builds the trees of documents from their token ids alone, by flags that say what each token of the vocabulary means for sentences and paragraphs.
/// </summary>
/// <remarks>
/// A sentence ends after a token that ends with a terminal mark, where the next token begins with white space or the mark is one that is written without a
/// following space. A paragraph ends after a token with a blank line, or after two tokens with a line end each. Unlike <see cref="TextHierarchy"/>, which needs
/// the text, this class does not recognize abbreviations. It limits the number of children of a node in the same way.
/// </remarks>
public static class TokenParts
{
    private const byte SpacedMark = 1;
    private const byte UnspacedMark = 2;
    private const byte BeginsWithSpace = 4;
    private const byte OnlySpace = 8;
    private const byte LineEnd = 16;
    private const byte BlankLine = 32;
    private const byte OnlyCloses = 64; // brackets and quotation marks, which may follow a mark as tokens of their own

    /// <summary>Computes the flags of each token of a vocabulary.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <returns>[V] flags, which are saved with the model.</returns>
    public static byte[] FromTokenizer(ByteLevelBpeTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return [.. Enumerable.Range(0, tokenizer.VocabSize).Select(id => Flags(Encoding.UTF8.GetString(tokenizer.GetTokenBytes(id))))];
    }

    /// <summary>Builds the tree of one document.</summary>
    /// <param name="tokenIds">The ids, at least one.</param>
    /// <param name="parts">[V] flags, from <see cref="FromTokenizer"/>.</param>
    /// <param name="maxBranching">The largest number of children of a node, at least 2.</param>
    /// <returns>The tree over the ids.</returns>
    /// <exception cref="ArgumentException">There is no id, an id is outside the vocabulary, or <paramref name="maxBranching"/> is below 2.</exception>
    public static TokenHierarchy BuildTree(ReadOnlySpan<long> tokenIds, byte[] parts, int maxBranching = TextHierarchy.DefaultMaxBranching)
    {
        ArgumentNullException.ThrowIfNull(parts);
        TensorChecks.InRange(maxBranching, 2, int.MaxValue, nameof(maxBranching), "64 is usual.");
        if (tokenIds.IsEmpty)
            throw new ArgumentException("tokenIds must hold at least one id. Leave out empty documents.", nameof(tokenIds));
        var (sentences, paragraphs) = (new List<int>(), new List<int>()); // the ends of the parts, in tokens
        byte mark = 0;
        int lineEnds = 0;
        bool begun = false; // white space at the very beginning ends nothing
        for (int i = 0; i < tokenIds.Length; i++)
        {
            if ((ulong)tokenIds[i] >= (ulong)parts.Length)
            {
                throw new ArgumentException(
                    $"tokenIds must lie in [0, {parts.Length}), but one is {tokenIds[i]}. Use the flags of the model's own tokenizer.", nameof(tokenIds));
            }
            byte part = parts[tokenIds[i]];
            if ((part & OnlySpace) == 0)
            {
                // White space before this token belongs to the part before it.
                bool spaced = (part & BeginsWithSpace) != 0 || (i > 0 && (parts[tokenIds[i - 1]] & OnlySpace) != 0);
                bool paragraph = begun && lineEnds >= 2, closes = (part & OnlyCloses) != 0 && !spaced;
                if (paragraph || (!closes && ((mark & UnspacedMark) != 0 || ((mark & SpacedMark) != 0 && spaced))))
                    sentences.Add(i);
                if (paragraph)
                    paragraphs.Add(i);
                mark = closes && !paragraph ? mark : (byte)(part & (SpacedMark | UnspacedMark));
                lineEnds = 0;
                begun = true;
            }
            lineEnds += (part & BlankLine) != 0 ? 2 : (part & LineEnd) != 0 ? 1 : 0;
        }
        return TextHierarchy.Build(tokenIds.Length, sentences, paragraphs, maxBranching);
    }

    private static byte Flags(string text)
    {
        if (text.Length == 0)
            return 0;
        bool onlySpace = string.IsNullOrWhiteSpace(text);
        int lineEnds = text.Replace("\r\n", "\n", StringComparison.Ordinal)
            .Count(character => character is '\n' or '\r' or '\v' or '\u0085' or '\u2028' or '\f' or '\u2029');
        byte flags = (byte)((onlySpace ? OnlySpace : 0) | (char.IsWhiteSpace(text[0]) ? BeginsWithSpace : 0));
        flags |= lineEnds >= 2 || text.AsSpan().IndexOfAny('\f', '\u2029') >= 0 ? BlankLine : lineEnds == 1 ? LineEnd : (byte)0;
        if (TextBoundaries.OnlyCloses(text))
            flags |= OnlyCloses;
        return onlySpace ? flags : (byte)(flags | (TextBoundaries.EndMark(text) switch { null => 0, true => UnspacedMark, false => SpacedMark }));
    }
}
