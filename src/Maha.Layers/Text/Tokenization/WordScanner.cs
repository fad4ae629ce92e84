namespace Maha.Layers.Text;

/// <summary>
/// The pre-tokenizer: splits text into the words that merges never cross. It makes one pass with a bounded look-ahead and keeps
/// no state between words. Without the bound on the length, the words are the matches of
/// <code>
///  ?[\p{L}\p{M}]+ | ['\u2019]\p{L}[\p{L}\p{M}]* |  ?\p{N}{1,3} |  ?[^\s\p{L}\p{M}\p{N}][^\s\p{L}\p{N}]*
///  | \s*NEWLINE | \s+(?=\x20\S) | \s+
/// </code>
/// </summary>
/// <remarks>
/// A newline always ends a word. Text can therefore be split after a newline that no white space follows, and its parts encoded
/// separately, with the same result.
/// </remarks>
internal static class WordScanner
{
    /// <summary>
    /// The length at which longer words are split, so that a megabyte without a space costs no more than ordinary text. The file
    /// format depends on it: another value would make other tokens.
    /// </summary>
    internal const int MaxWordLength = 64;

    /// <summary>The most bytes of a word: a UTF-16 code unit takes at most three bytes, and a pair takes four.</summary>
    internal const int MaxWordBytes = 3 * MaxWordLength;

    private const int MaxDigits = 3;

    private const int LetterRun = 1 << (int)CharacterClass.Letter | 1 << (int)CharacterClass.Mark;
    private const int OtherRun = 1 << (int)CharacterClass.Other | 1 << (int)CharacterClass.Apostrophe | 1 << (int)CharacterClass.Mark;

    /// <summary>Returns the end of the word that starts at <paramref name="start"/>, which must be before the end of the text.</summary>
    internal static int FindWordEnd(ReadOnlySpan<char> text, int start)
    {
        int limit = Math.Min(text.Length, start + MaxWordLength);
        int position = start;
        var kind = ClassAt(text, position);
        if (kind is CharacterClass.Space or CharacterClass.Apostrophe && position + 1 < limit)
        {
            var next = ClassAt(text, position + 1);
            if (kind == CharacterClass.Space ? !CharacterClasses.IsWhitespace(next) : next == CharacterClass.Letter)
            {
                kind = next;
                position++;
            }
        }

        return kind switch
        {
            CharacterClass.Letter or CharacterClass.Mark => SkipRun(text, position, limit, LetterRun),
            CharacterClass.Number => SkipNumber(text, position, limit),
            CharacterClass.Other or CharacterClass.Apostrophe => SkipRun(text, position, limit, OtherRun),
            _ => SkipWhitespace(text, position, limit),
        };
    }

    private static CharacterClass ClassAt(ReadOnlySpan<char> text, int index)
    {
        var kind = CharacterClasses.Classify(text[index]);
        return kind == CharacterClass.Surrogate ? CharacterClasses.ClassifyPair(text, index, out _) : kind;
    }

    private static int SkipRun(ReadOnlySpan<char> text, int position, int limit, int classes)
    {
        while (position < limit)
        {
            var kind = CharacterClasses.Classify(text[position]);
            int width = 1;
            if (kind == CharacterClass.Surrogate)
            {
                kind = CharacterClasses.ClassifyPair(text, position, out width);
                if (position + width > limit)
                    break;
            }

            if ((classes >> (int)kind & 1) == 0)
                break;

            position += width;
        }

        return position;
    }

    private static int SkipNumber(ReadOnlySpan<char> text, int position, int limit)
    {
        for (int digits = 0; digits < MaxDigits && position < limit && ClassAt(text, position) == CharacterClass.Number; digits++)
            position += char.IsHighSurrogate(text[position]) ? 2 : 1;

        return position;
    }

    private static int SkipWhitespace(ReadOnlySpan<char> text, int start, int limit)
    {
        int position = start;
        int afterNewline = start;
        for (; position < limit; position++)
        {
            var kind = CharacterClasses.Classify(text[position]);
            if (!CharacterClasses.IsWhitespace(kind))
                break;

            if (kind == CharacterClass.Newline)
                afterNewline = position + 1;
        }

        if (afterNewline > start)
            return afterNewline;

        // The last space before a word belongs to the word. FindWordEnd has already handled a single space.
        bool wordFollows = position < text.Length && !CharacterClasses.IsWhitespace(CharacterClasses.Classify(text[position]));
        return wordFollows && text[position - 1] == ' ' && position - 1 > start ? position - 1 : position;
    }
}
