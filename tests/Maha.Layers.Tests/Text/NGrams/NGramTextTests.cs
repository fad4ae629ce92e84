using System.Text.RegularExpressions;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

/// <summary>The tokens of a text against a regular expression, and its segments.</summary>
public partial class NGramTextTests
{
    private const string Alphabet = "abC D_9.,!\n\t-\u00e9\u00c9\u0301\u4e2d\u6587\u0e01 \u2028\ud83d\ude00  ";

    [Fact]
    public void Tokens_AreThoseOfTheRegularExpression()
    {
        var random = new Random(1);
        for (int round = 0; round < 300; round++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(60)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]);
            var hashes = NGramText.Read(text).Tokens;
            string[] words = SlowTokens(text);
            Assert.Equal(words.Length, hashes.Count);
            for (int i = 0; i < words.Length; i++)
            {
                for (int j = 0; j < i; j++)
                    Assert.Equal(words[i] == words[j], hashes[i] == hashes[j]);
            }
        }
    }

    [Fact]
    public void Pairs_DependOnTheOrder()
    {
        var tokens = NGramText.Read("a b").Tokens;
        Assert.NotEqual(NGramText.Pair(tokens[0], tokens[1]), NGramText.Pair(tokens[1], tokens[0]));
    }

    [Fact]
    public void AnyText_IsCutIntoSegmentsThatCoverIt()
    {
        var random = new Random(2);
        for (int round = 0; round < 100; round++)
        {
            string Piece() => random.Next(30) switch { 0 => "\n\n", 1 => ". ", 2 => "\u4e2d", _ => "word " };
            string text = string.Concat(Enumerable.Range(0, random.Next(800)).Select(_ => Piece()));
            var read = NGramText.Read(text);
            int[] ends = [.. read.SegmentEnds];
            Assert.Equal(read.Tokens.Count, ends.LastOrDefault());
            for (int i = 0; i < ends.Length; i++)
            {
                int length = ends[i] - (i == 0 ? 0 : ends[i - 1]);
                Assert.InRange(length, 1, 2 * (NGramText.MaxWords + NGramText.MinWords)); // punctuation counts as tokens, not as words
            }
        }
        Assert.Empty(NGramText.Read(" \n ").SegmentEnds);
    }

    [Fact]
    public void Segments_AreParagraphs_ShortOnesTogether_LongOnesCut()
    {
        string Paragraph(int words) => string.Join(' ', Enumerable.Repeat("word", words));
        int[] Ends(params string[] paragraphs) => [.. NGramText.Read(string.Join("\n\n", paragraphs)).SegmentEnds];
        Assert.Equal([50, 105], Ends(Paragraph(50), Paragraph(55)));
        Assert.Equal([45, 90], Ends(Paragraph(20), Paragraph(25), Paragraph(45)));
        Assert.Equal([60], Ends(Paragraph(50), Paragraph(10))); // a short remainder joins the segment before it
        Assert.Equal([80, 160, 250], Ends(Paragraph(250)));
        Assert.Equal([71, 131], Ends($"{Paragraph(70)}. {Paragraph(60)}")); // after the sentence
        Assert.Equal([81, 110], Ends($"{Paragraph(40)}. {Paragraph(69)}")); // the sentence ends too early
    }

    private static string[] SlowTokens(string text)
    {
        string lower = string.Concat(text.EnumerateRunes().Select(rune => System.Text.Rune.ToLowerInvariant(rune).ToString()));
        return [.. Slow().Matches(lower).Select(match => match.Value)];
    }

    // Han and Thai characters are tokens of their own, and surrogate pairs are one character.
    [GeneratedRegex(@"[\u4e00-\u9fff\u0e00-\u0eff]|[\p{L}\p{N}\p{M}_-[\u4e00-\u9fff\u0e00-\u0eff]]+|[\ud800-\udbff][\udc00-\udfff]|[^\s]")]
    private static partial Regex Slow();
}
