using System.Text.RegularExpressions;

namespace Maha.Samples.Data.ManualPages;

/// <summary>The pages that a page refers its reader to: the names in its section SEE ALSO, which the text leaves out.</summary>
public static partial class PageReferences
{
    private const string Heading = "SEE ALSO";

    /// <summary>Returns the names of the pages, without the number of their section, each once and in ordinal order.</summary>
    /// <param name="sections">The page.</param>
    public static IReadOnlyList<string> Find(IEnumerable<PageSection> sections) =>
    [
        .. sections.Where(section => section.Heading.Equals(Heading, StringComparison.OrdinalIgnoreCase))
            .SelectMany(section => section.Lines)
            .SelectMany(line => Reference().Matches(line).Select(match => match.Groups[1].Value))
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];

    // "open(2)", "curl_easy_setopt(3)", "perlfunc(1)".
    [GeneratedRegex(@"([A-Za-z_][\w.+:-]*)\([1-9][A-Za-z]{0,10}\)")]
    private static partial Regex Reference();
}
