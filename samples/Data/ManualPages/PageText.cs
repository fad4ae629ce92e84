using System.Text;
using System.Text.RegularExpressions;

namespace Maha.Samples.Data.ManualPages;

/// <summary>
/// Creates a page's training text from its sections, without any label in it. The rules:
/// <list type="number">
/// <item>Of NAME only the description stays, without its heading: the names are the file's name.</item>
/// <item>Sections about people, rights and the package go (see <see cref="PackageHeadings"/>).</item>
/// <item>"open(2)" becomes "open", "section 2" becomes "section".</item>
/// <item>Rulers and the lines of tables go; runs of blanks become one.</item>
/// </list>
/// Lines are kept, paragraphs are parted by one empty line, a heading is a paragraph of its own.
/// </summary>
public static partial class PageText
{
    /// <summary>Pages with fewer words are left out.</summary>
    public const int MinWords = 50;

    /// <summary>Headings of sections that name the package, its authors, or the section of other pages.</summary>
    public static readonly IReadOnlySet<string> PackageHeadings = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        "SEE ALSO", "AUTHOR", "AUTHORS", "AUTHOR(S)", "AUTHORS AND CONTRIBUTORS", "AUTHORS AND ACKNOWLEDGMENTS",
        "COPYRIGHT", "COPYRIGHTS", "COPYRIGHT AND LICENSE", "COPYRIGHT AND LICENCE", "COPYRIGHT NOTICE", "COPYING",
        "LICENSE", "LICENSES", "LICENCE", "LICENSING", "LEGAL", "REPORTING BUGS", "BUG REPORTS", "COLOPHON",
        "LIBRARY", "AVAILABILITY", "MAINTAINER", "MAINTAINERS", "CREDITS", "CONTACT", "CONTRIBUTORS",
        "ACKNOWLEDGMENTS", "ACKNOWLEDGEMENTS", "RESOURCES", "HOMEPAGE", "PACKAGE", "KEYWORDS", "CATEGORY",
        "BUGS, IDEAS, FEEDBACK", "GIT",
    };

    /// <summary>The text by the rules above.</summary>
    /// <param name="sections">The page.</param>
    /// <param name="isDropped">Which headings' sections go.</param>
    public static string Clean(IEnumerable<PageSection> sections, Predicate<string> isDropped)
    {
        var text = new StringBuilder();
        foreach (var section in sections)
        {
            if (section.Heading.Equals("NAME", StringComparison.OrdinalIgnoreCase))
            {
                AppendParagraphs(text, section.Lines.Select(Description));
            }
            else if (!isDropped(section.Heading))
            {
                AppendParagraphs(text, [section.Heading]);
                AppendParagraphs(text, section.Lines);
            }
        }

        return text.ToString();
    }

    /// <summary>How many words a text has: runs of characters between blanks.</summary>
    public static int CountWords(ReadOnlySpan<char> text)
    {
        int words = 0;
        bool inWord = false;
        foreach (char c in text)
        {
            bool isBlank = char.IsWhiteSpace(c);
            if (!isBlank && !inWord)
                words++;
            inWord = !isBlank;
        }

        return words;
    }

    /// <summary>"open, creat - open and create a file" to "open and create a file"; nothing where there is no dash.</summary>
    internal static string Description(string line)
    {
        var dash = NameDash().Match(line);
        string description = dash.Success ? line[(dash.Index + dash.Length)..].Trim() : "";
        return description == "no description" ? "" : description;
    }

    internal static string CleanLine(string line)
    {
        line = PageReference().Replace(line, "");
        line = SectionNumber().Replace(line, "$1");
        line = Ruler().Replace(line, " ");
        return Blanks().Replace(line, " ").Trim();
    }

    private static void AppendParagraphs(StringBuilder text, IEnumerable<string> lines)
    {
        bool starts = true;
        foreach (string line in lines)
        {
            string cleaned = CleanLine(line);
            if (cleaned.Length == 0)
            {
                // A ruler parts paragraphs as an empty line does.
                starts = true;
                continue;
            }

            if (text.Length > 0)
                text.Append(starts ? "\n\n" : "\n");
            text.Append(cleaned);
            starts = false;
        }
    }

    [GeneratedRegex(@"(?:^|\s)(?:--?|[\u2010-\u2015\u2212])(?:\s+|$)")]
    private static partial Regex NameDash();

    // The number of a reference, with or without a suffix: (2), (3pm), (9freebsd), (1M).
    [GeneratedRegex(@"(?<=[\p{L}\p{N}_\]>}*.])\([1-9][A-Za-z]{0,10}\)")]
    private static partial Regex PageReference();

    [GeneratedRegex(@"\b([Ss]ections?) \(?[1-9]\)?(?![\w.])")]
    private static partial Regex SectionNumber();

    // Lines drawn with punctuation, and the frames of tables (U+2500 to U+257F).
    [GeneratedRegex(@"[-=_*~+#]{4,}|[\u2500-\u257F]+|^\s*[-=_*~+#|\s]{3,}$")]
    private static partial Regex Ruler();

    // Blanks of every kind, the no-break space and control characters among them.
    [GeneratedRegex(@"[\s\p{Cc}]+")]
    private static partial Regex Blanks();
}
