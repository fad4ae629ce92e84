using System.Globalization;
using System.Text;

namespace Maha.Layers.Text;

/// <summary>
/// The basic tokenization of BERT (Devlin et al. 2018): a text is split at white space and around every punctuation character and CJK ideograph, and a word is
/// normalized before its pieces are looked up.
/// </summary>
/// <remarks>
/// The words are ranges of the original text: normalization, which can change the number of characters, is applied to one word at a time. The result is that of
/// normalizing the whole text first, because no rule looks across white space, punctuation or an ideograph.
/// </remarks>
internal static class BertWords
{
    // Part of a word. It can be a character that normalization removes, which doesn't separate words.
    private const byte Part = 0;
    private const byte Space = 1;
    private const byte Punctuation = 2;
    private const byte Ideograph = 3;
    private const byte Surrogate = 4;

    private static readonly byte[] s_table = BuildTable();

    /// <summary>Finds the next word at or after a position.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">The position; receives the start of the word.</param>
    /// <returns>The end of the word, or -1 if there is none.</returns>
    internal static int FindWord(ReadOnlySpan<char> text, ref int start)
    {
        while (start < text.Length && s_table[text[start]] == Space)
            start++;
        if (start == text.Length)
            return -1;
        int end = start;
        while (end < text.Length)
        {
            byte kind = s_table[text[end]];
            int width = 1;
            if (kind == Surrogate)
                kind = ClassifyPair(text, end, out width);
            if (kind != Part)
                return end == start ? end + width : end;
            end += width;
        }
        return end;
    }

    /// <summary>Returns the end of the first piece of a normalized word: a punctuation character, or everything before the first.</summary>
    internal static int FindPiece(ReadOnlySpan<char> word)
    {
        for (int i = 0; i < word.Length; i++)
        {
            byte kind = s_table[word[i]];
            int width = 1;
            if (kind == Surrogate)
                kind = ClassifyPair(word, i, out width);
            if (kind == Punctuation)
                return i == 0 ? width : i;
        }
        return word.Length;
    }

    /// <summary>
    /// Removes control, format, private and unassigned characters, lone surrogates and U+FFFD; for a lower-case vocabulary also changes the letters to lower case
    /// and removes their accents.
    /// </summary>
    /// <param name="word">The word.</param>
    /// <param name="lowerCase">Whether the vocabulary is in lower case.</param>
    /// <returns>The normalized word, which can be empty and can contain punctuation that is not in the word ("\u2260" becomes "=").</returns>
    internal static string Normalize(ReadOnlySpan<char> word, bool lowerCase)
    {
        if (Ascii.IsValid(word) && !word.ContainsAnyInRange('\0', '\x1F') && !word.Contains('\x7F'))
            return lowerCase ? LowerAscii(word) : word.ToString();

        var clean = new StringBuilder(word.Length);
        foreach (var rune in word.EnumerateRunes())
        {
            // A lone surrogate is enumerated as U+FFFD.
            if (rune.Value != 0xFFFD && !IsRemoved(Rune.GetUnicodeCategory(rune)))
                Append(clean, rune);
        }
        if (!lowerCase)
            return clean.ToString();

        string decomposed = Accents.Separate(clean.ToString());
        clean.Clear();
        foreach (var rune in decomposed.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
                Append(clean, Rune.ToLowerInvariant(rune));
        }
        return clean.ToString();
    }

    private static string LowerAscii(ReadOnlySpan<char> word) =>
        string.Create(word.Length, word, (lower, original) => Ascii.ToLower(original, lower, out _));

    private static void Append(StringBuilder builder, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        builder.Append(units[..rune.EncodeToUtf16(units)]);
    }

    private static bool IsRemoved(UnicodeCategory category) => category is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate;

    private static byte ClassifyPair(ReadOnlySpan<char> text, int index, out int width)
    {
        width = 1;
        if (index + 1 >= text.Length || !char.IsSurrogatePair(text[index], text[index + 1]))
            return Part;
        width = 2;
        int codePoint = char.ConvertToUtf32(text[index], text[index + 1]);
        return Classify(codePoint, CharUnicodeInfo.GetUnicodeCategory(codePoint));
    }

    private static byte Classify(int codePoint, UnicodeCategory category)
    {
        bool isSpace = codePoint is '\t' or '\n' or '\r'
            || category is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
        if (isSpace)
            return Space;

        // The ASCII symbols ($, +, <, ^, ...) count as punctuation, the other symbols don't.
        bool isPunctuation = codePoint is >= 33 and <= 47 or >= 58 and <= 64 or >= 91 and <= 96 or >= 123 and <= 126
            || category is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;
        return isPunctuation ? Punctuation : IsIdeograph(codePoint) ? Ideograph : Part;
    }

    // The blocks that BERT names: unified and compatibility ideographs, not kana and hangul.
    private static bool IsIdeograph(int codePoint) => codePoint is >= 0x3400 and <= 0x4DBF or >= 0x4E00 and <= 0x9FFF or >= 0xF900 and <= 0xFAFF
        or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B73F or >= 0x2B740 and <= 0x2B81F or >= 0x2B820 and <= 0x2CEAF or >= 0x2F800 and <= 0x2FA1F;

    private static byte[] BuildTable()
    {
        byte[] table = new byte[char.MaxValue + 1];
        for (int c = 0; c < table.Length; c++)
            table[c] = char.IsSurrogate((char)c) ? Surrogate : Classify(c, CharUnicodeInfo.GetUnicodeCategory((char)c));
        return table;
    }
}
