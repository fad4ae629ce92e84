using System.Net;
using System.Text.RegularExpressions;
using Maha.MLNet.Explanation;
using Maha.Report.Content;

namespace Maha.Report.Tests;

/// <summary>Texts with colored spans.</summary>
public sealed partial class HighlightedTextTests
{
    [Fact]
    public void Spans_AreMarked_AndTheTextIsWhole()
    {
        const string text = "a <b> & \"c\" \ud83d\ude00 end";
        TextSpan[] spans =
        [
            new(2, 3, 1, SpanSource.Both), new(6, 1, -0.5, SpanSource.Both), new(12, 2, 0.001, SpanSource.Both), new(15, 3, 0.5, SpanSource.Both),
        ];
        string html = HighlightedText.Write(text, spans, maxCharacters: 100);
        Assert.Contains("<mark class=\"for\" style=\"--a:75%\">&lt;b&gt;</mark>", html, StringComparison.Ordinal);
        Assert.Contains("<mark class=\"against\" style=\"--a:38%\">&amp;</mark>", html, StringComparison.Ordinal);
        Assert.Equal(3, Marks().Count(html));
        Assert.Equal(text, WebUtility.HtmlDecode(Tags().Replace(html, "")));
    }

    [Fact]
    public void LongText_ShowsThePartWithTheStrongestSpans()
    {
        string text = string.Concat(Enumerable.Range(0, 500).Select(i => $"word{i:D3} "));
        TextSpan[] spans = [.. Enumerable.Range(0, 500).Select(i => new TextSpan(8 * i, 7, i is >= 300 and < 310 ? 1 : 0.01, SpanSource.NGrams))];
        string shown = WebUtility.HtmlDecode(Tags().Replace(HighlightedText.Write(text, spans, 200), ""));
        Assert.Contains("word300 word301", shown, StringComparison.Ordinal);
        Assert.Contains("word309", shown, StringComparison.Ordinal);
        Assert.StartsWith("[...] ", shown, StringComparison.Ordinal);
        Assert.EndsWith(" [...]", shown, StringComparison.Ordinal);
        Assert.InRange(shown.Length, 200, 220);
    }

    [Fact]
    public void TextWithoutSpans_OrWithOneThatIsTooLong_IsShown()
    {
        string text = new('x', 1000);
        foreach (var spans in new TextSpan[][] { [], [new(0, 1000, 1, SpanSource.Network)] })
            Assert.StartsWith(new string('x', 300), Tags().Replace(HighlightedText.Write(text, spans, 300), ""), StringComparison.Ordinal);
        string pairs = string.Concat(Enumerable.Repeat("\ud83d\ude00", 200));
        Assert.DoesNotContain("\ufffd", HighlightedText.Write(pairs, [], 101), StringComparison.Ordinal);
    }

    [GeneratedRegex("<mark ")]
    private static partial Regex Marks();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();
}
