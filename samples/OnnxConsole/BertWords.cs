using System.Globalization;
using System.Text;

/// <summary>
/// The words of BERT. The pre-tokenizer of Microsoft.ML.Tokenizers 2.0.1 differs from the one that models were trained with: it deletes line ends, for
/// instance, and drops some symbols.
/// </summary>
internal static class BertWords
{
    /// <summary>Splits a text at white space, and around punctuation and ideographs.</summary>
    public static IEnumerable<string> Split(string text, bool lowerCase)
    {
        var word = new StringBuilder();
        foreach (var rune in Normalize(text, lowerCase).EnumerateRunes())
        {
            bool isSpace = IsSpace(rune), isAlone = IsPunctuation(rune) || IsIdeograph(rune.Value);
            if ((isSpace || isAlone) && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
            if (isAlone)
                yield return rune.ToString();
            else if (!isSpace)
                word.Append(rune);
        }
        if (word.Length > 0)
            yield return word.ToString();
    }

    // Removes characters that are not visible; for vocabularies in lower case also accents.
    private static string Normalize(string text, bool lowerCase)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            bool isRemoved = rune.Value == 0xFFFD || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate;
            if (IsSpace(rune))
                clean.Append(' ');
            else if (!isRemoved)
                clean.Append(rune);
        }
        if (!lowerCase)
            return clean.ToString();
        var lower = new StringBuilder(clean.Length);
        foreach (var rune in clean.ToString().Normalize(NormalizationForm.FormD).EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
                lower.Append(Rune.ToLowerInvariant(rune));
        }
        return lower.ToString();
    }

    private static bool IsSpace(Rune rune) => rune.Value is '\t' or '\n' or '\r' || Rune.GetUnicodeCategory(rune) is UnicodeCategory.SpaceSeparator
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    // All ASCII symbols count as punctuation.
    private static bool IsPunctuation(Rune rune) => rune.Value is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126)
        || Rune.GetUnicodeCategory(rune) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    private static bool IsIdeograph(int value) => value is (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF)
        or (>= 0x2F800 and <= 0x2FA1F);
}
