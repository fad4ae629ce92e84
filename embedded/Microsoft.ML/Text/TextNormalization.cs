using System.Text;
using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML.Text;

/// <summary>Character by character: case, diacritics, punctuation, numbers.</summary>
internal sealed class TextNormalization
{
    // Not a character; stands for "leave out" in the map.
    private const char Dropped = '\uFFFF';

    private readonly char[] _map = new char[char.MaxValue + 1];
    private readonly StringBuilder _buffer = new();

    public TextNormalization(TextNormalizingEstimator.CaseMode caseMode, bool keepDiacritics, bool keepPunctuations, bool keepNumbers)
    {
        for (int c = 0; c < _map.Length; c++)
            _map[c] = Map((char)c, caseMode, keepDiacritics, keepPunctuations, keepNumbers);
    }

    /// <summary>The normalized text; the same memory if nothing changes. Not thread-safe.</summary>
    public ReadOnlyMemory<char> Normalize(ReadOnlyMemory<char> text)
    {
        var span = text.Span;
        int same = 0;
        while (same < span.Length && _map[span[same]] == span[same])
            same++;
        if (same == span.Length)
            return text;

        _buffer.Clear();
        _buffer.Append(span[..same]);
        foreach (char c in span[same..])
        {
            char mapped = _map[c];
            if (mapped != Dropped || c == Dropped)
                _buffer.Append(mapped);
        }

        return _buffer.ToString().AsMemory();
    }

    private static char Map(char c, TextNormalizingEstimator.CaseMode caseMode, bool keepDiacritics, bool keepPunctuations, bool keepNumbers)
    {
        if ((!keepPunctuations && char.IsPunctuation(c)) || (!keepNumbers && char.IsNumber(c)) || (!keepDiacritics && IsCombiningMark(c)))
            return Dropped;
        char letter = keepDiacritics ? c : BaseLetter(c);
        return caseMode switch
        {
            TextNormalizingEstimator.CaseMode.Lower => char.ToLowerInvariant(letter),
            TextNormalizingEstimator.CaseMode.Upper => char.ToUpperInvariant(letter),
            _ => letter,
        };
    }

    // Latin, Hebrew and Arabic marks.
    private static bool IsCombiningMark(char c)
        => c is >= '\u0300' and <= '\u036F' or >= '\u0591' and <= '\u05BD' or '\u05C1' or '\u05C2' or '\u05C4' or '\u05C5' or '\u05C7'
            or >= '\u0610' and <= '\u0615' or >= '\u064C' and <= '\u065E' or '\u0670';

    // Latin, Greek and Cyrillic letters with marks; elsewhere (Vietnamese letters of two marks, Hangul, ...) nothing is taken apart.
    private static char BaseLetter(char c)
    {
        if (c is not (>= '\u00C0' and <= '\u0233' or >= '\u0386' and <= '\u03D4' or >= '\u0400' and <= '\u04F9'))
            return c;
        string parts = c.ToString().Normalize(NormalizationForm.FormD);
        return parts.Length > 1 ? parts[0] : c;
    }
}
