using Maha.Samples.Data.ManualPages;

namespace Maha.Samples.Tests.ManualPages;

public class RenderedPageTests
{
    [Theory]
    [InlineData("o\bop\bpe\ben\bn", "open")]
    [InlineData("_\bo_\bp", "op")]
    [InlineData("o\bo\bo", "o")]
    [InlineData("\b\bx", "x")]
    [InlineData("\U0001F600\b\U0001F600!", "\U0001F600!")]
    public void StripOverstrikes_KeepsTheLastPrinted(string rendered, string expected) =>
        Assert.Equal(expected, RenderedPage.StripOverstrikes(rendered));

    [Fact]
    public void Parse_DropsTitleAndFooter_AndCutsAtHeadings()
    {
        const string rendered =
            "LAMP(1)   Manual   LAMP(1)\n\nN\bNA\bAM\bME\bE\n   lamp - a lamp\n\nSEE ALSO\n   x(2)\n   y(3)\n\nLamps 1.0   2020   LAMP(1)\n";

        var sections = RenderedPage.Parse(rendered);

        Assert.Equal(["NAME", "SEE ALSO"], sections.Select(s => s.Heading));
        Assert.Equal(["   lamp - a lamp", ""], sections[0].Lines);
        Assert.Equal(["   x(2)", "   y(3)"], sections[1].Lines.Where(line => line.Length > 0));
    }

    [Fact]
    public void Parse_JoinsLinesBrokenAtTheMargin_AndNoOthers()
    {
        string full = "   " + new string('a', PageRenderer.Width - 10);
        string rendered = $"T(1)\nDESCRIPTION\n{full}\n   brokenword rest\n   short\n   next\nF(1)\n";

        var section = Assert.Single(RenderedPage.Parse(rendered));

        Assert.Equal([full + " brokenword rest", "   short", "   next"], section.Lines);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("T(1)")]
    [InlineData("T(1)\n\nF(1)\n")]
    public void Parse_OfNothing_IsNoSection(string rendered) => Assert.Empty(RenderedPage.Parse(rendered));
}
