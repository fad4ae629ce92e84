using System.Globalization;

namespace Maha.Layers.Text;

/// <summary>The classes of characters that the pre-tokenizer distinguishes.</summary>
internal enum CharacterClass : byte
{
    /// <summary>Punctuation, symbols, controls, unassigned, lone surrogates.</summary>
    Other,

    /// <summary>U+0027 or U+2019: like Other, but it starts a word if a letter follows ("don't" is "don" and "'t").</summary>
    Apostrophe,

    /// <summary>Combining marks and variation selectors: they extend a run of letters or of Other.</summary>
    Mark,

    /// <summary>Categories L*.</summary>
    Letter,

    /// <summary>Categories N*.</summary>
    Number,

    /// <summary>U+0020, which starts the word after it.</summary>
    Space,

    /// <summary>White space other than U+0020 and newlines.</summary>
    Whitespace,

    /// <summary>LF, VT, FF, CR, NEL, LS, PS.</summary>
    Newline,

    /// <summary>A surrogate: half of a code point beyond U+FFFF, or a lone one. Only the table contains it; it is resolved to another class.</summary>
    Surrogate,
}

/// <summary>Classifies characters, with one table read for U+0000 to U+FFFF.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] s_table = BuildTable();

    /// <summary>Returns the class of a UTF-16 code unit. For a <see cref="CharacterClass.Surrogate"/>, call <see cref="ClassifyPair"/>.</summary>
    internal static CharacterClass Classify(char c) => s_table[c];

    /// <summary>Returns the class of the code point at the index of a surrogate, and its width in code units.</summary>
    internal static CharacterClass ClassifyPair(ReadOnlySpan<char> text, int index, out int width)
    {
        char high = text[index];
        if (!char.IsHighSurrogate(high) || index + 1 >= text.Length || !char.IsLowSurrogate(text[index + 1]))
        {
            width = 1;
            return CharacterClass.Other;
        }

        width = 2;
        return FromCategory(CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32(high, text[index + 1])));
    }

    internal static bool IsWhitespace(CharacterClass c) => c is CharacterClass.Space or CharacterClass.Whitespace or CharacterClass.Newline;

    private static CharacterClass[] BuildTable()
    {
        var table = new CharacterClass[char.MaxValue + 1];
        for (int c = 0; c < table.Length; c++)
        {
            table[c] = (char)c switch
            {
                ' ' => CharacterClass.Space,
                '\n' or '\v' or '\f' or '\r' or '\u0085' or '\u2028' or '\u2029' => CharacterClass.Newline,
                '\'' or '\u2019' => CharacterClass.Apostrophe,
                _ when char.IsSurrogate((char)c) => CharacterClass.Surrogate,
                _ when char.IsWhiteSpace((char)c) => CharacterClass.Whitespace,
                _ => FromCategory(CharUnicodeInfo.GetUnicodeCategory((char)c)),
            };
        }

        return table;
    }

    private static CharacterClass FromCategory(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterClass.Letter,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharacterClass.Mark,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
        _ => CharacterClass.Other,
    };
}
