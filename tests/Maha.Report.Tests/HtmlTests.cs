namespace Maha.Report.Tests;

/// <summary>The escaping of data.</summary>
public sealed class HtmlTests
{
    [Theory]
    [InlineData("<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;")]
    [InlineData("\" onload=\"x & y", "&quot; onload=&quot;x &amp; y")]
    [InlineData("a\tb\r\nc \ud83d\ude00", "a\tb\r\nc \ud83d\ude00")]
    [InlineData("\0\u0007\u0085\u009f", "\ufffd\ufffd\ufffd\ufffd")]
    [InlineData("\uffff\ufdd0", "\ufffd\ufffd")]
    public void Text_IsEscaped(string data, string expected)
    {
        Assert.Equal(expected, Html.Escape(data));
        Assert.Equal($"<p class=\"a\">{expected}</p>", new Html().Element("p class=\"a\"", data).ToString());
    }

    // Not a line of the table: attributes hold no lone surrogate.
    [Fact]
    public void LoneSurrogates_AreReplaced() => Assert.Equal("\ufffd x \ufffd", Html.Escape("\ud83d x \ude00"));
}
