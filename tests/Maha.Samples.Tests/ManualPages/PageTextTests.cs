using Maha.Samples.Data.ManualPages;

namespace Maha.Samples.Tests.ManualPages;

public class PageTextTests
{
    [Theory]
    [InlineData("See open(2) and printf(3).", "See open and printf.")]
    [InlineData("ALTQ(4freebsd), perlre(1p), foo_bar(3pm), X11::Atom(3pm)", "ALTQ, perlre, foo_bar, X11::Atom")]
    [InlineData("described in section 5 of the manual", "described in section of the manual")]
    [InlineData("see Section (3) for more", "see Section for more")]
    public void SectionNumbersOfReferences_AreRemoved(string line, string expected) =>
        Assert.Equal(expected, PageText.CleanLine(line));

    [Theory]
    [InlineData("int open(const char *path, int flags);")]
    [InlineData("chapter (2) follows")]
    [InlineData("read(0) and read(10)")]
    [InlineData("section 5.14 of the standard, section 12")]
    public void OtherParentheses_AreKept(string line) => Assert.Equal(line, PageText.CleanLine(line));

    [Theory]
    [InlineData("-----------")]
    [InlineData("  === +++ | ~~~")]
    [InlineData("\u250C\u2500\u2500\u252C\u2500\u2500\u2510")]
    public void RulerLines_AreRemoved(string line) => Assert.Equal("", PageText.CleanLine(line));

    [Fact]
    public void Blanks_BecomeOne() =>
        Assert.Equal("a b c d", PageText.CleanLine("   a\t b\u00A0\u00A0c \u0001 d  "));

    [Theory]
    [InlineData("       open, creat - open and possibly create a file", "open and possibly create a file")]
    [InlineData("     cam \u2013 Common Access Method", "Common Access Method")]
    [InlineData("git-add -- add files", "add files")]
    [InlineData("x-y \\- z", "")]
    [InlineData("just-names, with-hyphens", "")]
    [InlineData("Misc.LongString - no description", "")]
    public void Name_KeepsTheDescriptionOnly(string line, string expected) =>
        Assert.Equal(expected, PageText.Description(line));

    [Fact]
    public void Clean_DropsTheGivenSections_AndSeparatesParagraphs()
    {
        PageSection[] page =
        [
            new("NAME", ["", "   lamp - turn a lamp on", ""]),
            new("SYNOPSIS", ["   lamp on", "   lamp off", "", ""]),
            new("Authors", ["   Ada Example"]),
            new("NOTES", ["   one", "   ----------", "   two"]),
        ];

        Assert.Equal(
            "turn a lamp on\n\nSYNOPSIS\n\nlamp on\nlamp off\n\nNOTES\n\none\n\ntwo",
            PageText.Clean(page, PageText.PackageHeadings.Contains));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData(" \n ", 0)]
    [InlineData("one", 1)]
    [InlineData(" one\n\ntwo\tthree ", 3)]
    public void CountWords_CountsRunsBetweenBlanks(string text, int expected) =>
        Assert.Equal(expected, PageText.CountWords(text));
}
