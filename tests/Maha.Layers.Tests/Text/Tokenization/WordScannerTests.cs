using Maha.Layers.Tests.Reference;
using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

public class WordScannerTests
{
    [Theory]
    [InlineData("Hello world", "Hello| world")]
    [InlineData("don't stop, it\u2019s 'quoted'", "don|'t| stop|,| it|\u2019s| '|quoted|'")]
    [InlineData("in 1234567 years", "in| 123|456|7| years")]
    [InlineData("wait... (what?)", "wait|...| (|what|?)")]
    [InlineData("a  b   c\td", "a| | b|  | c|\t|d")]
    [InlineData("end.\n\n  Next", "end|.|\n\n| | Next")]
    [InlineData("end  \r\n\tNext \n", "end|  \r\n|\t|Next| \n")]
    [InlineData("snake_case", "snake|_|case")]
    [InlineData("e\u0301t\u00E9 \u0939\u093F\u0928\u094D\u0926\u0940", "e\u0301t\u00E9| \u0939\u093F\u0928\u094D\u0926\u0940")]
    [InlineData("\U0001F600\u2764\uFE0F \U0001D7D8\U0001D7D9\U0001D7DA\U0001D7DB\U00020000",
        "\U0001F600\u2764\uFE0F| \U0001D7D8\U0001D7D9\U0001D7DA|\U0001D7DB|\U00020000")]
    [InlineData("trailing ", "trailing| ")]
    public void Words_AreCutAsDocumented(string text, string expected) => Assert.Equal(expected, string.Join('|', Words(text)));

    [Fact]
    public void Words_EqualTheMatchesOfThePattern() => HostileText.CheckBasic(text =>
    {
        string[] expected = NaiveBpe.Words(text);
        if (expected.All(word => word.Length < WordScanner.MaxWordLength))
        {
            Assert.Equal(expected, Words(text));
        }
    }, tests: 1000);

    [Fact]
    public void EveryCharacterAlone_IsCutAsThePatternDoes()
    {
        for (int c = 0; c < 0xD800; c++)
        {
            string text = $"a{(char)c} b1{(char)c}.{(char)c}";
            Assert.Equal(NaiveBpe.Words(text), Words(text));
        }
    }

    [Fact]
    public void Words_PartitionTheTextAndAreBounded() => HostileText.Check(text =>
    {
        var words = Words(text);
        Assert.Equal(text, string.Concat(words));
        Assert.All(words, word => Assert.InRange(word.Length, 1, WordScanner.MaxWordLength));
    });

    [Fact]
    public void Words_NeverSplitSurrogatePairs() => HostileText.Check(text =>
    {
        var words = Words(text);
        for (int i = 1; i < words.Count; i++)
        {
            Assert.False(char.IsSurrogatePair(words[i - 1][^1], words[i][0]));
        }
    });

    [Fact]
    public void CutAfterNewlineBeforeNonWhitespace_ChangesNoWord() => HostileText.Check(text =>
    {
        var whole = Words(text);
        for (int cut = 1; cut < text.Length; cut++)
        {
            if (text[cut - 1] == '\n' && !char.IsWhiteSpace(text[cut]))
            {
                Assert.Equal(whole, [.. Words(text[..cut]), .. Words(text[cut..])]);
            }
        }
    });

    [Fact]
    public void LongRunsOfLetters_AreCutAtTheLimit()
    {
        Assert.Equal([64, 36], Words(new string('a', 100)).Select(w => w.Length));
        Assert.Equal([64, 36], Words(new string('-', 100)).Select(w => w.Length));
        Assert.Equal([64, 35, 2], Words(new string(' ', 100) + "b").Select(w => w.Length));
        Assert.Equal([63, 2], Words(new string(' ', 64) + "b").Select(w => w.Length));
        Assert.Equal([63, 2], Words(new string('a', 63) + "\U00020000").Select(w => w.Length));
    }

    private static List<string> Words(string text)
    {
        var words = new List<string>();
        for (int start = 0; start < text.Length;)
        {
            int end = WordScanner.FindWordEnd(text, start);
            words.Add(text[start..end]);
            start = end;
        }

        return words;
    }
}
