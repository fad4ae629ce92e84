using Maha.Layers.Tests.Text;
using Maha.Layers.Trees;


namespace Maha.Layers.Tests.Trees;

public class TextBoundariesTests
{
    [Theory]
    [InlineData("One. Two! Three? Four", "One. |Two! |Three? |Four")]
    [InlineData("He said \"Go!\" Then he went. (So he did.) End", "He said \"Go!\" |Then he went. |(So he did.) |End")]
    [InlineData("\u201CGo.\u201D \u201CNo.\u201D", "\u201CGo.\u201D |\u201CNo.\u201D")]
    [InlineData("Pi is 3.14 or so, at example.com. Yes", "Pi is 3.14 or so, at example.com. |Yes")]
    [InlineData("Mr. Smith and J. R. Jones, e.g. in Fig. 3, met Dr. No. 5 men came", "Mr. Smith and J. R. Jones, e.g. in Fig. 3, met Dr. No. 5 men came")]
    [InlineData("Wait... what? Wait... What", "Wait... what? |Wait... |What")]
    [InlineData("wrapped\nline. next small\nline. Next", "wrapped\nline. next small\nline. |Next")]
    [InlineData("\u4F60\u597D\u3002\u4E16\u754C\uFF01\u300C\u597D\u3002\u300D\u5B8C", "\u4F60\u597D\u3002|\u4E16\u754C\uFF01|\u300C\u597D\u3002\u300D|\u5B8C")]
    [InlineData("\u0643\u064A\u0641\u061F \u0646\u0639\u0645\u06D4 \u0627", "\u0643\u064A\u0641\u061F |\u0646\u0639\u0645\u06D4 |\u0627")]
    [InlineData("\u0939\u093E\u0901\u0964 \u0928\u0939\u0940\u0902\u0964", "\u0939\u093E\u0901\u0964 |\u0928\u0939\u0940\u0902\u0964")]
    [InlineData("Title\n\nOne. Two.\r\n\r\nThree\fFour\u2029Five", "Title\n\n||One. |Two.\r\n\r\n||Three\f||Four\u2029||Five")]
    [InlineData("a\n \t\n\n b\r\nc", "a\n \t\n\n ||b\r\nc")]
    [InlineData("\n\n. one. Two\n\n", "\n\n. one. |Two\n\n")]
    [InlineData("no marks at all here", "no marks at all here")]
    [InlineData("...!!!", "...!!!")]
    [InlineData("", "")]
    [InlineData(" \n\n ", " \n\n ")]
    public void Boundaries_FollowSentencesAndParagraphs(string text, string expected)
    {
        string marked = text;
        foreach (var boundary in TextBoundaries.Find(text).Reverse())
            marked = marked.Insert(boundary.Start, boundary.BeginsParagraph ? "||" : "|");
        Assert.Equal(expected, marked);
    }

    [Fact]
    public void Boundaries_AscendAndPrecedeText_ForAnyText() => HostileText.Check(text =>
    {
        int last = 0;
        foreach (var boundary in TextBoundaries.Find(text))
        {
            Assert.True(boundary.Start > last && boundary.Start < text.Length);
            Assert.False(char.IsWhiteSpace(text[boundary.Start]));
            last = boundary.Start;
        }
    });
}
