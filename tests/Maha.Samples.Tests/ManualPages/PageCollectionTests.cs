using System.IO.Compression;
using System.Text;
using Maha.Samples.Data.ManualPages;

namespace Maha.Samples.Tests.ManualPages;

public sealed class PageCollectionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-pages-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(".so man3/other.3\n", true)]
    [InlineData(".\\\" a comment\n'\\\" another\n.\n\n.so man3/other.3\n", true)]
    [InlineData(".TH X 3\n.so man3/other.3\n", false)]
    [InlineData(".sort of text", false)]
    [InlineData("", false)]
    public void Stub_IsAPageWhoseFirstRequestIsSo(string source, bool expected) =>
        Assert.Equal(expected, PageCollection.IsStub(Encoding.UTF8.GetBytes(source)));

    [Fact]
    public void Read_SkipsLinksStubsAndCopies_AndKeepsTheFirstByName()
    {
        Write("b", "man3/beta.3", ".TH B 3");
        Write("a", "man3/gamma.3pm", ".TH B 3");
        Write("a", "man3/alpha.3", ".so man3/beta.3");
        Write("a", "man1/delta.1", ".TH D 1");
        File.CreateSymbolicLink(Path.Combine(_folder, "a", "man1", "link.1.gz"), "delta.1.gz");
        File.CreateSymbolicLink(Path.Combine(_folder, "a", "man1", "dangling.1.gz"), "nothing.1.gz");

        var pages = PageCollection.Read(_folder);

        Assert.Equal([("b", "beta.3", 3), ("a", "delta.1", 1)], pages.Pages.Select(page => (page.Package, page.Name, page.Section)));
        Assert.Equal((4, 2, 1, 1), (pages.Files, pages.Links, pages.Stubs, pages.Copies));
    }

    [Theory]
    [InlineData("open.2", 2)]
    [InlineData("Misc.LongString.3o", 3)]
    [InlineData("cam.4freebsd", 4)]
    [InlineData("README", 0)]
    [InlineData("a.", 0)]
    [InlineData("a.n", 0)]
    public void Section_IsTheSuffixOfTheName(string name, int expected) =>
        Assert.Equal(expected, new PageFile("p", name, "").Section);

    [MandocFact]
    public void Corpus_RendersAndCleansRealPages()
    {
        Write("lamps", "man1/lamp.1", Fixture("lamp.1"));
        Write("freebsd-manpages", "man4/lamp.4", Fixture("lamp.4"));
        Write("lamps", "man1/short.1", ".TH SHORT 1\n.SH NAME\nshort \\- too few words\n");

        var corpus = ManualPageCorpus.Read(_folder);

        Assert.Contains("1 under 50 words, 0 of the same text: 2 pages", corpus.Summary);
        string text = Cleaned("lamp.1", PageText.PackageHeadings.Contains);
        Assert.StartsWith("turn a lamp on or off\n\nSYNOPSIS\n\nlamp [on|off]\n\nDESCRIPTION\n\nThe lamp named by name is", text);
        Assert.Contains("by way of ioctl on its device file, which lamp describes in section of this manual.", text);
        Assert.DoesNotContain("Ada", text);
        Assert.DoesNotContain("light", text);
        Assert.DoesNotContain("1", text);
        string dated = Cleaned("lamp.4", EraLabel.IsDropped);
        Assert.EndsWith("HISTORY\n\nThe lamp driver first appeared in FreeBSD 4.7.\n\nAUTHORS\n\nAda Example", dated);
        Assert.Equal("freebsd-4-5", EraLabel.Of(RenderedPage.Parse(PageRenderer.Render(FixturePath("lamp.4")))));
    }

    private static string Cleaned(string fixture, Predicate<string> isDropped) =>
        PageText.Clean(RenderedPage.Parse(PageRenderer.Render(FixturePath(fixture))), isDropped);

    private static string FixturePath(string name) => Path.Combine(AppContext.BaseDirectory, "ManualPages", "Fixtures", name);

    private static string Fixture(string name) => File.ReadAllText(FixturePath(name));

    private void Write(string package, string name, string source)
    {
        string path = Path.Combine(_folder, package, name + ".gz");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        gzip.Write(Encoding.UTF8.GetBytes(source));
    }
}
