using System.Globalization;
using System.Text;
using Maha.Layers.Text;
using Maha.TestData;
using BertTokenizer = Microsoft.ML.Tokenizers.BertTokenizer;

namespace Maha.Layers.Tests.Text;

public sealed class WordPieceTokenizerTests
{
    private static readonly string[] s_entries =
    [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "th", "a", "b", "ab", "cafe", "na", "##ive", "don", "t", "##e", "##s", "##a", "##b", "cls", "pad",
        "sep", "[", "]", "'", ".", "!", "?", "$", "+", "=", "<", "5", "and", "of", "mask", "-", "_", "(", ")", "x", "1", "23", "##7", "##456",
        "\u4E2D", "\u6587", "\u8C48", "\u3002", "\uFF01", "\u00DF", "\u0436", "##\u0443", "##\u043A", "\u0939", "##\u093F", "##\u0928", "\u03C3", "##\u03C3",
    ];

    private static readonly WordPieceTokenizer s_lower = Create(true), s_cased = Create(false);

    [Theory]
    [InlineData("the  a\tb\nab\r\nthe", "the a b ab the")]
    [InlineData("Caf\u00E9 NA\u00CFVE cafe\u0301s", "cafe na ##ive cafe ##s")]
    [InlineData("don't", "don ' t")]
    [InlineData("$5+5=a<b", "$ 5 + 5 = a < b")]
    [InlineData("\u4E2Da\u6587\u3002", "\u4E2D a \u6587 \u3002")]
    [InlineData("\uF900", "\u8C48")]
    [InlineData("a\u200Bb \uFEFFab\0", "ab ab")]
    [InlineData("ab\uD800 \uDC00", "ab")]
    [InlineData("a\u0007b", "ab")]
    [InlineData("a\u2260b", "a = b")]
    [InlineData("a\u00A0b\u2028a\u3000b", "a b a b")]
    [InlineData("[CLS] the[PAD]", "[ cls ] the [ pad ]")]
    [InlineData("qqq a", "[UNK] a")]
    [InlineData("\u03A3\u03A3", "\u03C3 ##\u03C3")]
    [InlineData("", "")]
    [InlineData(" \n\u0000", "")]
    public void Encode_FollowsTheRulesOfBert(string text, string expected) => Assert.Equal(expected, Tokens(s_lower, text));

    [Theory]
    [InlineData("Caf\u00E9 cafe", "[UNK] cafe")]
    [InlineData("The THE the\u0301", "[UNK] [UNK] [UNK]")]
    [InlineData("\uF900 a\u200Bb", "[UNK] ab")]
    [InlineData("[CLS]", "[ [UNK] ]")]
    public void CasedVocabulary_KeepsCaseAndAccents(string text, string expected) => Assert.Equal(expected, Tokens(s_cased, text));

    [Fact]
    public void LongWords_AreUnknown()
    {
        Assert.Equal(100, s_lower.Encode("b" + new string('a', 99)).Length);
        Assert.Equal([s_lower.UnknownTokenId], s_lower.Encode(new string('a', 101)));
        Assert.Equal([s_lower.UnknownTokenId], s_lower.Encode(new string('a', 1_000_000)));
        // Removed characters do not count.
        Assert.Equal(100, s_lower.Encode(string.Concat(Enumerable.Repeat("a\u200B", 100))).Length);
    }

    [Fact]
    public void Ids_AreThoseOfBertTokenizer_WhereItsBasicTokenizationIsBerts()
    {
        // BertTokenizer 2.0.1 removes line ends, symbols and characters beyond U+FFFF, keeps accents, joins words by underscores and throws for lone surrogates.
        // BERT does none of it, so the texts compared here have none of them.
        var options = new Microsoft.ML.Tokenizers.BertOptions { SplitOnSpecialTokens = false };
        using var vocabulary = VocabularyStream(s_entries);
        var reference = BertTokenizer.Create(vocabulary, options);
        int compared = 0;
        HostileText.Check(text =>
        {
            string common = Common(text);
            compared += s_lower.Encode(common).Length;
            Assert.Equal(reference.EncodeToIds(common, addSpecialTokens: false), s_lower.Encode(common));
        }, tests: 1000);
        Assert.True(compared > 1000);
    }

    [Fact]
    public void Ids_AreThoseOfEveryWordAlone_AndRangesAreInOrder() => HostileText.Check(text =>
    {
        int[] ids = s_lower.Encode(text, out int[] starts, out int[] ends);
        Assert.Equal(s_lower.Encode(text), ids);
        Assert.Equal(ids.Length, starts.Length);
        Assert.Equal(ids.Length, ends.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            Assert.InRange(ends[i], starts[i] + 1, text.Length);
            Assert.True(i == 0 || starts[i] == starts[i - 1] && ends[i] == ends[i - 1] || starts[i] >= ends[i - 1]);
            Assert.InRange(ids[i], 0, s_entries.Length - 1);
            Assert.False(ids[i] is 0 or 2 or 3 or 4);
        }
        var words = starts.Zip(ends).Distinct().Select(range => text[range.First..range.Second]);
        Assert.Equal(ids, words.SelectMany(word => s_lower.Encode(word)));
        // Words that have no token are made of removed characters only.
        Assert.Equal(ids, s_lower.Encode(string.Join(' ', words)));
    }, tests: 1000);

    [Fact]
    public void EveryCodeUnit_IsEncoded()
    {
        for (int c = 0; c <= char.MaxValue; c++)
        {
            string text = $"a{(char)c}{(char)c} b{(char)c}";
            Assert.NotEmpty(s_lower.Encode(text));
            Assert.NotEmpty(s_cased.Encode(text));
        }
    }

    [Fact]
    public void CharactersOf_CoversWholeWords()
    {
        const string Text = " the naive  cafes. ";
        int[] ids = s_lower.Encode(Text); // the | na ##ive | cafe ##s | .
        Assert.Equal(6, ids.Length);
        int[] fromStart = [0, 4, 4, 10, 10, 17, Text.Length], fromEnd = [0, 2, 2, 7, 7, 14, Text.Length];
        for (int count = 0; count <= ids.Length; count++)
        {
            Assert.Equal(fromStart[count], s_lower.CharactersOf(Text, ids.AsSpan(0, count), fromEnd: false));
            Assert.Equal(fromEnd[count], s_lower.CharactersOf(Text, ids.AsSpan(ids.Length - count), fromEnd: true));
        }
    }

    [Fact]
    public void CharactersOf_EncodesToTheGivenTokensAtMost() => HostileText.Check(text =>
    {
        int[] ids = s_lower.Encode(text);
        for (int count = 0; count <= ids.Length; count += 1 + ids.Length / 10)
        {
            int start = s_lower.CharactersOf(text, ids.AsSpan(0, count), fromEnd: false);
            int end = s_lower.CharactersOf(text, ids.AsSpan(ids.Length - count), fromEnd: true);
            int[] atStart = s_lower.Encode(text.AsSpan(0, start)), atEnd = s_lower.Encode(text.AsSpan(text.Length - end));
            Assert.InRange(atStart.Length, 0, count);
            Assert.InRange(atEnd.Length, 0, count);
            Assert.Equal(ids[..atStart.Length], atStart);
            Assert.Equal(ids[^atEnd.Length..], atEnd);
        }
    });

    [Fact]
    public void Properties_DescribeTheVocabulary()
    {
        Assert.Equal((0, 1, 2, 3), (s_lower.PadTokenId, s_lower.UnknownTokenId, s_lower.ClsTokenId, s_lower.SepTokenId));
        Assert.Equal(s_entries.Length, s_lower.VocabSize);
        Assert.True(s_lower.LowerCase);
        Assert.False(s_cased.LowerCase);
        for (int id = 0; id < s_entries.Length; id++)
        {
            Assert.Equal(s_entries[id].StartsWith("##", StringComparison.Ordinal), s_lower.ContinuesWord(id));
            Assert.Equal(s_entries[id] is "." or "!" or "?" or "\u3002" or "\uFF01", s_lower.EndsSentence(id));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => s_lower.ContinuesWord(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_lower.EndsSentence(s_entries.Length));
    }

    [Fact]
    public void Threads_GetTheSameIds()
    {
        var tokenizer = Create(true);
        var texts = HostileText.Samples(200);
        int[][] expected = [.. texts.Select(text => s_lower.Encode(text))];
        Parallel.For(0, 2000, i => Assert.Equal(expected[i % texts.Count], tokenizer.Encode(texts[i % texts.Count])));
    }

    // Every letter of the table's blocks, by the table and by .NET.
    [Fact]
    public void Accents_ByTable_AreThoseOfUnicode()
    {
        foreach (int code in Enumerable.Range(0xC0, 0x190).Concat(Enumerable.Range(0x370, 0xF0)).Concat(Enumerable.Range(0x1E00, 0x100)))
        {
            string letter = ((char)code).ToString();
            string bare = string.Concat(letter.Normalize(NormalizationForm.FormD).Where(c => CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark));
            if (char.IsLetter(letter[0]) && bare.Length == 1)
                Assert.Equal(bare, Accents.ByTable(letter));
        }
    }

    [Fact]
    public void InvariantMode_RemovesAccents() =>
        ChildProgram.AssertEnds(InvariantMode.Encode, environment => environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1");

    private static WordPieceTokenizer Create(bool lowerCase)
    {
        using var vocabulary = VocabularyStream(s_entries);
        return WordPieceTokenizer.FromVocabulary(vocabulary, lowerCase);
    }

    private static MemoryStream VocabularyStream(IEnumerable<string> entries) => new(Encoding.UTF8.GetBytes(string.Join('\n', entries)));

    private static string Tokens(WordPieceTokenizer tokenizer, string text) => string.Join(' ', tokenizer.Encode(text).Select(id => s_entries[id]));

    // Spaces for line ends, no accents, and only characters up to U+FFFF that are letters, digits, punctuation or spaces.
    private static string Common(string text)
    {
        var common = new StringBuilder();
        foreach (var rune in BertWords.Normalize(text.ReplaceLineEndings(" ").Replace('\t', ' '), lowerCase: true).EnumerateRunes())
        {
            bool isCommon = Rune.IsLetterOrDigit(rune) || Rune.IsPunctuation(rune) || rune.Value == ' ';
            if (isCommon && rune.IsBmp && Rune.GetUnicodeCategory(rune) != UnicodeCategory.ConnectorPunctuation)
                common.Append((char)rune.Value);
        }
        return common.ToString();
    }

    // A class of its own, because the fields of the tests can't be initialized in this mode.
    private static class InvariantMode
    {
        internal static void Encode()
        {
            Assert.Equal(1, "\u00E9".Normalize(NormalizationForm.FormD).Length);
            using var vocabulary = VocabularyStream(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cafe", "angstrom"]);
            Assert.Equal([4, 5], WordPieceTokenizer.FromVocabulary(vocabulary, lowerCase: true).Encode("CAF\u00C9 \u00C5ngstr\u00F6m"));
        }
    }
}
