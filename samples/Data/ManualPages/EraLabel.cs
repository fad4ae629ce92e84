using System.Text.RegularExpressions;

namespace Maha.Samples.Data.ManualPages;

/// <summary>Reads out of a FreeBSD page's HISTORY when the thing that it describes first appeared.</summary>
public static partial class EraLabel
{
    /// <summary>The heading of the section that the label is taken from.</summary>
    public const string Heading = "HISTORY";

    /// <summary>The classes in order of time.</summary>
    public static readonly IReadOnlyList<string> All =
        ["unix-bsd", "freebsd-1-3", "freebsd-4-5", "freebsd-6-8", "freebsd-9+"];

    /// <summary>
    /// The sections that this task's texts lack: those of the other tasks, but for authors and references. The years
    /// of people and the company that a page keeps reveal its age.
    /// </summary>
    public static bool IsDropped(string heading) =>
        PageText.PackageHeadings.Contains(heading)
        && !heading.StartsWith("AUTHOR", StringComparison.OrdinalIgnoreCase)
        && !heading.Equals("SEE ALSO", StringComparison.OrdinalIgnoreCase);

    /// <summary>The era, or null where HISTORY does not say it or names no system of the classes.</summary>
    public static string? Of(IEnumerable<PageSection> sections)
    {
        var history = sections.FirstOrDefault(s => s.Heading.Equals(Heading, StringComparison.OrdinalIgnoreCase));
        return history is null ? null : Of(string.Join(' ', history.Lines));
    }

    /// <summary>The era that a HISTORY section's text names first after the first word that tells of an appearance. Other
    /// systems are passed over: what came from "OpenBSD 2.7 and was imported into FreeBSD 5.0" is of FreeBSD 5.</summary>
    public static string? Of(string history)
    {
        string text = Blanks().Replace(history, " ");
        var appearance = Appearance().Match(text);
        if (!appearance.Success)
            return null;

        var system = SystemVersion().Match(text, appearance.Index);
        if (!system.Success)
            return null;
        if (system.Groups["bsd"].Success)
            return All[0];

        return int.Parse(system.Groups["free"].ValueSpan) switch
        {
            0 => null,
            <= 3 => All[1],
            <= 5 => All[2],
            <= 8 => All[3],
            _ => All[4],
        };
    }

    [GeneratedRegex(@"\b(?:appear(?:ed|s)?|introduced|added|present|implemented|written for|dates? back)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Appearance();

    // FreeBSD 4.7, FreeBSD in 5.3 ; Version 7 AT&T UNIX, AT&T System V ; 3BSD, 4.3BSD-Reno, 386BSD.
    [GeneratedRegex(@"\bFreeBSD(?: in)?[- ](?<free>\d{1,2})|(?<bsd>\bAT&T|\bUNIX\b|\b\d(?:\.\d+c?)?BSD|\b386BSD)")]
    private static partial Regex SystemVersion();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
