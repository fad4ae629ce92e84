namespace Maha.Samples.Data.ManualPages;

/// <summary>The rendered and cleaned pages, and the tasks made of them.</summary>
public sealed class ManualPageCorpus
{
    // By section number. Games (6) are too few to learn from.
    private static readonly string?[] s_sectionLabels =
        [null, "command", "system-call", "library", "device", "file-format", null, "overview", "administration", "kernel"];

    private readonly List<CleanPage> _pages;
    private readonly List<CleanPage> _datedPages;

    private ManualPageCorpus(List<CleanPage> pages, List<CleanPage> datedPages, string summary)
    {
        _pages = pages;
        _datedPages = datedPages;
        Summary = summary;
    }

    private sealed record CleanPage(PageFile File, string? Label, string Text, IReadOnlyList<string> References);

    /// <summary>One line: how many files became how many pages, and why the others did not.</summary>
    public string Summary { get; }

    /// <summary>Reads, renders on all cores, and cleans.</summary>
    /// <param name="folder">The folder with one folder a package.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidOperationException">mandoc isn't installed, or renders no page at all.</exception>
    public static ManualPageCorpus Read(string folder)
    {
        var collection = PageCollection.Read(folder);
        var cleaned = new (CleanPage Page, CleanPage? Dated)?[collection.Pages.Count];
        Parallel.For(0, cleaned.Length, i =>
        {
            var file = collection.Pages[i];
            var sections = RenderedPage.Parse(PageRenderer.Render(file.Path));
            if (sections.Count > 0)
                cleaned[i] = (Cleaned(file, sections), Dated(file, sections));
        });

        int empty = cleaned.Count(page => page is null);
        if (empty == cleaned.Length)
        {
            throw new InvalidOperationException(
                $"There must be pages that mandoc renders, but of {cleaned.Length} in '{folder}' it rendered none. " +
                "Fetch them again with fetch-manual-pages.sh, or try mandoc -Tutf8 on one of them.");
        }

        var longEnough = LongEnough(cleaned.Select(page => page?.Page));
        var pages = longEnough.DistinctBy(page => page.Text).ToList();
        var dated = LongEnough(cleaned.Select(page => page?.Dated)).DistinctBy(page => page.Text).ToList();
        return new ManualPageCorpus(
            pages,
            dated,
            $"{collection.Files} files, without {collection.Stubs} stubs, {collection.Copies} copies, {empty} not renderable, " +
            $"{cleaned.Length - empty - longEnough.Count} under {PageText.MinWords} words, " +
            $"{longEnough.Count - pages.Count} of the same text: {pages.Count} pages ({collection.Links} links passed over)");
    }

    /// <summary>The section of the manual that a page belongs to: 8 classes, at most 700 pages each.</summary>
    public PageTask Section() => PageTask.Build(
        "section", _pages.Select(page => (page.File.Name, s_sectionLabels[page.File.Section], page.Text)), maxPerClass: 700);

    /// <summary>Whether a page is for users or for programmers: 2 classes, all pages of both. Long texts to take passages from.</summary>
    public PageTask Reader() => PageTask.Build(
        "reader", _pages.Select(page => (page.File.Name, s_sectionLabels[page.File.Section] switch
        {
            "command" or "administration" => "user",
            "library" or "system-call" => "programmer",
            _ => null,
        }, page.Text)));

    /// <summary>The family of projects that a page comes from: 24 classes, 100 to 600 pages each.</summary>
    public PageTask Project() => PageTask.Build(
        "project", _pages.Select(page => (page.File.Name, page.Label, page.Text)), minPerClass: 100, maxPerClass: 600);

    /// <summary>
    /// The time when the subject of a FreeBSD page first appeared: 5 classes. The texts keep HISTORY, which says it,
    /// AUTHORS and SEE ALSO: the evidence is near the end of the page.
    /// </summary>
    public PageTask Era() => PageTask.Build(
        "era", _datedPages.Select(page => (page.File.Name, page.Label, page.Text)));

    /// <summary>
    /// The pages that a page refers to in its SEE ALSO, which is not in the text: several labels per page. The labels are the names to which at least 60 pages
    /// refer. Pages that refer to none of them are left out.
    /// </summary>
    public PageTask References() => PageTask.BuildLabelSets(
        // With fewer, most labels would be the 44 pages of LVM, each of which refers to all others.
        "references", _pages.Select(page => (page.File.Name, page.References, page.Text)), minPerLabel: 60);

    private static CleanPage Cleaned(PageFile file, IReadOnlyList<PageSection> sections) =>
        new(file, ProjectLabel.Of(file.Package), PageText.Clean(sections, PageText.PackageHeadings.Contains), PageReferences.Find(sections));

    private static CleanPage? Dated(PageFile file, IReadOnlyList<PageSection> sections) =>
        file.Package == "freebsd-manpages" && EraLabel.Of(sections) is string era
            ? new(file, era, PageText.Clean(sections, EraLabel.IsDropped), [])
            : null;

    private static List<CleanPage> LongEnough(IEnumerable<CleanPage?> pages) =>
        pages.OfType<CleanPage>().Where(page => PageText.CountWords(page.Text) >= PageText.MinWords).ToList();
}
