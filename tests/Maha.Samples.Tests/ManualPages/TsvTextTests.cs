using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Maha.Samples.Data.ManualPages;

namespace Maha.Samples.Tests.ManualPages;

public class TsvTextTests
{
    private static readonly Gen<string> s_anyText = Gen
        .Elements("a", "Zz", " ", "\t", "\n", "\r\n", "\r", "\"", "\u240A", "\u2028", "\u00A0", "\0", "\\n", "\U0001F600", "\uD800", "//", "#")
        .ListOf()
        .Select(parts => string.Concat(parts));

    [Theory]
    [InlineData("a\nb", "a \u240A b")]
    [InlineData("a\n\nb", "a \u240A \u240A b")]
    [InlineData("a\r\n\r\n\r\nb\n", "a \u240A \u240A b")]
    [InlineData("  \"quoted\" \t text", "quoted\" text")]
    [InlineData("\n \t", "")]
    public void Encode_WritesOneField(string text, string expected) => Assert.Equal(expected, TsvText.Encode(text));

    [Fact]
    public void UnpairedSurrogates_AreReplaced() => Assert.Equal("\uFFFDx\uFFFD", TsvText.Encode("\uD800x\uDC00"));

    [Fact]
    public void NormalText_RoundTrips()
    {
        const string text = "turn a lamp on\n\nSYNOPSIS\n\nlamp \"on\"\nlamp off\n\n\u00E9t\u00E9 \U0001F600";
        Assert.Equal(text, TsvText.Decode(TsvText.Encode(text)));
    }

    [Fact]
    public void EncodedText_RoundTrips_ForAnyText() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(s_anyText.ToArbitrary(), text =>
        {
            string field = TsvText.Encode(text);
            return TsvText.Encode(TsvText.Decode(field)) == field;
        }));

    // What ML.NET's loader does with a field: it skips blanks before it, and takes a quote there for quoting.
    [Fact]
    public void Fields_NeedNoQuoting_ForAnyText() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(s_anyText.ToArbitrary(), text =>
        {
            string field = TsvText.Encode(text);
            return field.IndexOfAny(['\t', '\n', '\r', '\u2028', '\u0085', '\0']) < 0
                && !field.StartsWith('"') && field.Trim() == field
                && Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(field)) == field;
        }));
}
