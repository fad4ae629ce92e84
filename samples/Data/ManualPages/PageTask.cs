using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Maha.Samples.Data.ManualPages;

/// <summary>A classification task over the pages: its documents, the same on every machine.</summary>
public sealed class PageTask
{
    /// <summary>How many folds a task has; the first is its test set.</summary>
    public const int NumFolds = 5;

    /// <summary>The character between two labels of a page, in a task with several labels per page.</summary>
    public const char LabelSeparator = ';';

    private PageTask(string name, IReadOnlyList<LabeledPage> pages)
    {
        Name = name;
        Pages = pages;
    }

    /// <summary>The task's name.</summary>
    public string Name { get; }

    /// <summary>All documents, the classes mixed.</summary>
    public IReadOnlyList<LabeledPage> Pages { get; }

    /// <summary>Four fifths of each class.</summary>
    public IEnumerable<LabeledPage> Train => Pages.Where(page => page.Fold != 0);

    /// <summary>A fifth of each class.</summary>
    public IEnumerable<LabeledPage> Test => Pages.Where(page => page.Fold == 0);

    /// <summary>
    /// Selects and splits the pages. Within a class the pages are ordered by a hash of their file names; the first
    /// <paramref name="maxPerClass"/> stay and are dealt to the folds in turn. Nothing is random.
    /// </summary>
    /// <param name="name">The task's name.</param>
    /// <param name="candidates">Name, label and text of each page; a null label leaves the page out.</param>
    /// <param name="minPerClass">Classes with fewer pages are left out.</param>
    /// <param name="maxPerClass">The largest number of pages per class.</param>
    public static PageTask Build(
        string name,
        IEnumerable<(string Name, string? Label, string Text)> candidates,
        int minPerClass = NumFolds,
        int maxPerClass = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minPerClass, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPerClass, minPerClass);

        var pages = new List<(ulong Hash, LabeledPage Page)>();
        foreach (var group in candidates.Where(c => c.Label is not null).GroupBy(c => c.Label!))
        {
            var ordered = group
                .Select(c => (Hash: HashOf(c.Name), c.Name, c.Text))
                .OrderBy(c => c.Hash).ThenBy(c => c.Name, StringComparer.Ordinal).ThenBy(c => c.Text, StringComparer.Ordinal)
                .Take(maxPerClass)
                .ToList();
            if (ordered.Count >= minPerClass)
                pages.AddRange(ordered.Select((c, i) => (c.Hash, new LabeledPage(group.Key, c.Text, c.Name, i % NumFolds))));
        }

        return new PageTask(name, InOrder(pages));
    }

    /// <summary>
    /// Selects and splits pages with several labels each. The pages are ordered by a hash of their file names and dealt to the folds in turn. Nothing is random.
    /// </summary>
    /// <param name="name">The task's name.</param>
    /// <param name="candidates">Name, labels and text of each page.</param>
    /// <param name="minPerLabel">Labels of fewer pages are left out, and then pages without labels.</param>
    /// <exception cref="ArgumentException">A label contains the separator.</exception>
    public static PageTask BuildLabelSets(
        string name, IEnumerable<(string Name, IReadOnlyList<string> Labels, string Text)> candidates, int minPerLabel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minPerLabel, 1);
        var all = candidates.ToList();
        var kept = all.SelectMany(c => c.Labels).CountBy(label => label).Where(pair => pair.Value >= minPerLabel).Select(pair => pair.Key).ToHashSet();
        if (kept.FirstOrDefault(label => label.Contains(LabelSeparator)) is { } invalid)
            throw new ArgumentException($"A label must not contain '{LabelSeparator}', but '{invalid}' does. Rename it.", nameof(candidates));
        var pages = all
            .Select(c => (c.Name, Label: string.Join(LabelSeparator, c.Labels.Where(kept.Contains).Order(StringComparer.Ordinal)), c.Text))
            .Where(c => c.Label.Length > 0)
            .Select(c => (Hash: HashOf(c.Name), Page: new LabeledPage(c.Label, c.Text, c.Name, 0)));
        return new PageTask(name, [.. InOrder(pages).Select((page, i) => page with { Fold = i % NumFolds })]);
    }

    private static List<LabeledPage> InOrder(IEnumerable<(ulong Hash, LabeledPage Page)> pages) => pages
        .OrderBy(p => p.Hash).ThenBy(p => p.Page.Name, StringComparer.Ordinal).ThenBy(p => p.Page.Text, StringComparer.Ordinal)
        .Select(p => p.Page)
        .ToList();

    /// <summary>The first 8 bytes of the name's SHA-256: the same on every machine, unlike string.GetHashCode.</summary>
    internal static ulong HashOf(string name) =>
        BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
