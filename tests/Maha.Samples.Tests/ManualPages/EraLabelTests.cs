using Maha.Samples.Data.ManualPages;

namespace Maha.Samples.Tests.ManualPages;

public class EraLabelTests
{
    [Theory]
    [InlineData("The lamp driver first appeared in FreeBSD 2.0.5.", "freebsd-1-3")]
    [InlineData("The lamp driver appeared in FreeBSD 4.7 and FreeBSD 9.0.", "freebsd-4-5")]
    [InlineData("These functions were introduced in FreeBSD 8.0.", "freebsd-6-8")]
    [InlineData("Support was added in FreeBSD 12.1.", "freebsd-9+")]
    [InlineData("A lamp() function appeared in Version 7 AT&T UNIX.", "unix-bsd")]
    [InlineData("A lamp() function appeared in 4.3BSD-Reno. flamp() first appeared in FreeBSD 8.0.", "unix-bsd")]
    [InlineData("It was present in 386BSD.", "unix-bsd")]
    [InlineData("The lamp driver first appeared in\n\n FreeBSD\n 5.3", "freebsd-4-5")]
    [InlineData("It appeared in March 1997. It was imported to FreeBSD in 5.3.", "freebsd-4-5")]
    public void EraLabel_IsTheFirstSystemAfterTheAppearance(string history, string expected) =>
        Assert.Equal(expected, EraLabel.Of(history));

    [Fact]
    public void EraLabel_IgnoresOtherSystems() => Assert.Equal(
        "freebsd-4-5", EraLabel.Of("The lamp driver first appeared in OpenBSD 2.7 and NetBSD 1.6, and was imported to FreeBSD 5.0."));

    [Theory]
    [InlineData("")]
    [InlineData("The lamp driver was written by Ada Example.")]
    [InlineData("lamp() was renamed in FreeBSD 9.0.")]
    [InlineData("The lamp driver first appeared in OpenBSD 2.7.")]
    [InlineData("It first appeared in FreeBSD.")]
    public void EraLabel_IsNull_WhereHistoryNamesNoSystem(string history) => Assert.Null(EraLabel.Of(history));

    [Fact]
    public void EraLabel_ReadsTheHistorySectionOnly()
    {
        PageSection other = new("DESCRIPTION", ["This first appeared in FreeBSD 4.0."]);

        Assert.Null(EraLabel.Of([other]));
        Assert.Equal("freebsd-9+", EraLabel.Of([other, new("HISTORY", ["   It first appeared in", "   FreeBSD 9.1."])]));
    }

    [Theory]
    [InlineData("AUTHORS", false)]
    [InlineData("SEE ALSO", false)]
    [InlineData("HISTORY", false)]
    [InlineData("LIBRARY", true)]
    public void IsDropped_KeepsAuthorsAndReferences(string heading, bool expected) =>
        Assert.Equal(expected, EraLabel.IsDropped(heading));
}
