using System.Text;

namespace Maha.Samples.Data.ManualPages;

/// <summary>
/// One text as one field of a tab separated file that needs no quoting: ML.NET's text loader, with or without
/// allowQuoting, spreadsheets and line tools all read back the characters that were written.
/// </summary>
/// <remarks>
/// A line break is written as the visible character U+240A between blanks, so that an empty line between
/// paragraphs is two of them. No reader takes it for the end of a line, and it is a word of its own wherever words end at blanks.
/// </remarks>
public static class TsvText
{
    /// <summary>The character that represents a line break.</summary>
    public const char LineBreak = '\u240A';

    /// <summary>The field for a text.</summary>
    /// <remarks>
    /// Characters that a field can't hold are replaced: tabs and other control characters are blanks, runs of blanks
    /// one blank; blanks and empty lines at the ends go, as do double quotes at the start, which mean
    /// a quoted field to many readers; more than one empty line becomes one. Unpaired surrogates, which no UTF-8
    /// file holds, become U+FFFD.
    /// </remarks>
    public static string Encode(string text)
    {
        var field = new StringBuilder(text.Length + 16);
        int breaks = 0;
        bool blank = false;
        foreach (var rune in text.ReplaceLineEndings("\n").EnumerateRunes())
        {
            if (rune.Value is '\n' or LineBreak)
            {
                breaks++;
            }
            else if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune))
            {
                blank = true;
            }
            else if (field.Length > 0 || rune.Value != '"')
            {
                if (field.Length > 0 && breaks > 0)
                    field.Append(' ').Append(LineBreak, 1).Append(breaks > 1 ? $" {LineBreak} " : " ");
                else if (field.Length > 0 && blank)
                    field.Append(' ');
                field.Append(rune.ToString());
                breaks = 0;
                blank = false;
            }
        }

        return field.ToString();
    }

    /// <summary>The text of a field that <see cref="Encode"/> wrote; other fields' texts stay as they are.</summary>
    public static string Decode(string field) =>
        field.Replace($" {LineBreak} {LineBreak} ", "\n\n").Replace($" {LineBreak} ", "\n");
}
