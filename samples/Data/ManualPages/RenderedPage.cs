namespace Maha.Samples.Data.ManualPages;

/// <summary>A section of a rendered page.</summary>
/// <param name="Heading">Its heading as written, for instance "SEE ALSO".</param>
/// <param name="Lines">Its lines with their indentation; an empty line ends a paragraph.</param>
public sealed record PageSection(string Heading, IReadOnlyList<string> Lines);

/// <summary>Reads mandoc's terminal output back into sections.</summary>
public static class RenderedPage
{
    /// <summary>
    /// Drops overstrikes, the first and the last line (page title and footer, which carry the section number),
    /// joins lines that were broken at the right margin, and cuts at the headings, which alone are not indented.
    /// </summary>
    public static IReadOnlyList<PageSection> Parse(string rendered)
    {
        var lines = StripOverstrikes(rendered).Split('\n').Select(line => line.TrimEnd()).ToList();
        DropEnd(lines, atStart: true);
        DropEnd(lines, atStart: false);

        var sections = new List<PageSection>();
        var body = new List<string>();
        foreach (string line in JoinBroken(lines))
        {
            if (line.Length > 0 && line[0] != ' ')
            {
                body = [];
                sections.Add(new PageSection(line, body));
            }
            else
            {
                // Lines before the first heading belong to no section, and are not part of the page's text.
                body.Add(line);
            }
        }

        return sections;
    }

    /// <summary>Bold is "x BACKSPACE x" and underlined "_ BACKSPACE x": the last one printed stays.</summary>
    internal static string StripOverstrikes(string text)
    {
        char[] kept = new char[text.Length];
        int length = 0;
        foreach (char c in text)
        {
            if (c != '\b')
                kept[length++] = c;
            else if (length > 0)
                length -= length > 1 && char.IsLowSurrogate(kept[length - 1]) ? 2 : 1;
        }

        return new string(kept, 0, length);
    }

    private static void DropEnd(List<string> lines, bool atStart)
    {
        int index = atStart ? lines.FindIndex(line => line.Length > 0) : lines.FindLastIndex(line => line.Length > 0);
        if (index < 0)
            return;
        if (atStart)
            lines.RemoveRange(0, index + 1);
        else
            lines.RemoveRange(index, lines.Count - index);
    }

    // A line was broken at the margin exactly when the next line's first word would not have fitted on it.
    private static IEnumerable<string> JoinBroken(List<string> lines)
    {
        string? pending = null;
        int column = 0;
        foreach (string line in lines)
        {
            string word = line.TrimStart();
            int space = word.IndexOf(' ');
            int wordLength = space < 0 ? word.Length : space;
            bool bothIndented = pending is [' ', ..] && line is [' ', ..];
            if (bothIndented && column + 1 + wordLength > PageRenderer.Width)
            {
                // A hyphen at the margin is the word's own: mandoc does not hyphenate.
                pending += pending!.EndsWith('-') ? word : " " + word;
            }
            else
            {
                if (pending is not null)
                    yield return pending;
                pending = line;
            }

            column = line.Length;
        }

        if (pending is not null)
            yield return pending;
    }
}
