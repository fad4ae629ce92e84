using System.Buffers;
using System.Globalization;
using System.Text;

namespace Maha.Layers.Trees;

/// <summary>Finds the sentences and paragraphs of text in any script.</summary>
/// <remarks>
/// <para>A paragraph ends at a blank line, a form feed or a paragraph separator. Single line ends are white space, since plain text is often wrapped.</para>
/// <para>A sentence ends after a terminal mark (those of Unicode's Sentence_Terminal that are in use today) and the closing brackets and quotation marks that
/// follow it. Marks that are written without a following space, as in Chinese and Japanese, always end a sentence; the others do where white space follows. A
/// period does not end a sentence before a lowercase letter, after a single capital letter (an initial) or after a common English abbreviation.</para>
/// <para>A text without any of these is one sentence. The rules read no further than the first character after the boundary.</para>
/// </remarks>
internal static class TextBoundaries
{
    private const string SpacedMarks =
        ".!?\u2026\u203C\u203D\u2047\u2048\u2049\u0589\u061D\u061E\u061F\u06D4\u0700\u0701\u0702\u0964\u0965\u104A\u104B"
        + "\u1362\u1367\u1368\u166E\u1803\u1809\u17D4\u17D5\u2E2E\uA4FF\uA60E\uA60F\uA6F3\uA6F7";
    private const string UnspacedMarks = "\u3002\uFF0E\uFF01\uFF1F\uFF61\uFE12\uFE15\uFE16\uFE52\uFE56\uFE57";

    // A period after one of these seldom ends a sentence.
    private static readonly HashSet<string> s_abbreviations = new(StringComparer.OrdinalIgnoreCase)
    {
        "mr", "mrs", "ms", "dr", "prof", "rev", "hon", "st", "sen", "rep", "gov", "gen", "col", "capt", "lt", "sgt", "sr", "jr",
        "vs", "fig", "figs", "eq", "no", "nos", "vol", "pp", "cf", "e.g", "i.e", "al", "approx", "dept", "est", "inc", "ltd",
        "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    };

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> s_abbreviationLookup = s_abbreviations.GetAlternateLookup<ReadOnlySpan<char>>();

    private const int LongestAbbreviation = 6;

    /// <summary>Returns the beginnings of the sentences in order, without that of the first sentence.</summary>
    /// <param name="text">Any text, including ill-formed UTF-16.</param>
    public static IReadOnlyList<TextBoundary> Find(ReadOnlySpan<char> text)
    {
        var boundaries = new List<TextBoundary>();
        for (int position = SkipSpace(text, 0).Next; position < text.Length;)
        {
            var (closed, mark) = SkipMarks(text, position);
            if (closed == position)
            {
                // Not a mark: skip to the next character that can be one, over white space that may contain a blank line.
                var (next, lines) = SkipSpace(text, position);
                if (lines >= 2 && next < text.Length)
                    boundaries.Add(new TextBoundary(next, true));
                position = Math.Max(next, position + 1);
                continue;
            }
            var (start, lineEnds) = SkipSpace(text, closed);
            bool ends = lineEnds >= 2 || UnspacedMarks.Contains(mark) || (start > closed && (mark != '.' || PeriodEnds(text, position, start)));
            if (ends && start < text.Length)
                boundaries.Add(new TextBoundary(start, lineEnds >= 2));
            position = start;
        }
        return boundaries;
    }

    /// <summary>
    /// Determines how a text ends: true for a terminal mark that is written without a following space, false for another terminal mark, null for no mark.
    /// Closing brackets and quotation marks after the mark are skipped.
    /// </summary>
    internal static bool? EndMark(ReadOnlySpan<char> text)
    {
        int end = text.Length;
        while (end > 0 && Closes(text[end - 1]))
            end--;
        if (end == 0)
            return null;
        return UnspacedMarks.Contains(text[end - 1]) ? true : SpacedMarks.Contains(text[end - 1]) ? false : null;
    }

    /// <summary>Whether a text consists of closing brackets and quotation marks only.</summary>
    internal static bool OnlyCloses(ReadOnlySpan<char> text)
    {
        foreach (char character in text)
        {
            if (!Closes(character))
                return false;
        }
        return true;
    }

    // Returns the position after the marks and the closing characters that follow them, and the last mark; the same position where there is no mark.
    private static (int Closed, char Mark) SkipMarks(ReadOnlySpan<char> text, int position)
    {
        int end = position;
        while (end < text.Length && (SpacedMarks.Contains(text[end]) || UnspacedMarks.Contains(text[end])))
            end++;
        if (end == position)
            return (position, default);
        char mark = text[end - 1];
        while (end < text.Length && Closes(text[end]))
            end++;
        return (end, mark);
    }

    private static bool Closes(char character) =>
        character is '"' or '\'' || char.GetUnicodeCategory(character) is UnicodeCategory.ClosePunctuation or UnicodeCategory.FinalQuotePunctuation;

    // Returns the position after the white space, and the number of line ends in it; a blank line counts as two.
    private static (int Next, int LineEnds) SkipSpace(ReadOnlySpan<char> text, int position)
    {
        int lineEnds = 0;
        for (; position < text.Length && (char.IsWhiteSpace(text[position]) || text[position] is '\uFEFF' or '\u200B'); position++)
        {
            lineEnds += text[position] switch
            {
                '\n' when position > 0 && text[position - 1] == '\r' => 0, // counted at the carriage return
                '\n' or '\r' or '\v' or '\u0085' or '\u2028' => 1,
                '\f' or '\u2029' => 2,
                _ => 0,
            };
        }
        return (position, lineEnds);
    }

    private static bool PeriodEnds(ReadOnlySpan<char> text, int period, int next)
    {
        if (next < text.Length && Rune.DecodeFromUtf16(text[next..], out var rune, out _) == OperationStatus.Done && Rune.IsLower(rune))
            return false;
        int start = period;
        while (start > 0 && period - start <= LongestAbbreviation && (char.IsLetter(text[start - 1]) || text[start - 1] == '.'))
            start--;
        var word = text[start..period];
        bool initial = word.Length > 0 && char.IsUpper(word[^1]) && (word.Length == 1 || word[^2] == '.');
        return !initial && !s_abbreviationLookup.Contains(word);
    }
}
