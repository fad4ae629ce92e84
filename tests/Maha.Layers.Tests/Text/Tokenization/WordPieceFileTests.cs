using System.Text;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public sealed class WordPieceFileTests
{
    private static readonly string[] s_entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "##s", "\u4E2D", "A"];

    [Theory]
    [InlineData("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n", 5)]
    [InlineData("\uFEFF[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n\r\n", 5)]
    [InlineData("[PAD]\n[UNK]\n[CLS]\n[SEP]", 4)]
    public void Vocabulary_HasOneEntryPerLine(string text, int size)
    {
        var tokenizer = Read(text);
        Assert.Equal(size, tokenizer.VocabSize);
        Assert.Equal(0, tokenizer.PadTokenId);
        Assert.Equal(size == 5 ? 4 : 1, Assert.Single(tokenizer.Encode("A")));
    }

    [Theory]
    [InlineData("", "[UNK], [CLS], [SEP], [PAD] are not among its 0 entries")]
    [InlineData("[PAD]\n[UNK]\n[CLS]\na", "[SEP] is not among its 4 entries")]
    [InlineData("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\na", "lines 5 and 7 are both \"a\"")]
    [InlineData("[PAD]\n\n[UNK]\n[CLS]\n[SEP]\na", "line 2 of 6 is empty")]
    public void Vocabulary_ThatIsNotValid_StatesTheRule(string text, string message) =>
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Vocabulary_MustBeUtf8()
    {
        using var stream = new MemoryStream([.. "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"u8, 0xFF, 0xC3]);
        Assert.Contains("UTF-8", Assert.Throws<InvalidDataException>(() => WordPieceTokenizer.FromVocabulary(stream, true)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SavedAndLoaded_EncodesTheSame(bool lowerCase)
    {
        var tokenizer = Read(string.Join('\n', s_entries), lowerCase);
        byte[] file = Save(tokenizer);
        using var stream = new MemoryStream(file);
        var loaded = WordPieceTokenizer.Load(stream);
        Assert.Equal(lowerCase, loaded.LowerCase);
        Assert.Equal(tokenizer.VocabSize, loaded.VocabSize);
        Assert.Equal(file, Save(loaded));
        HostileText.Check(text => Assert.Equal(tokenizer.Encode(text), loaded.Encode(text)), tests: 100);
    }

    [Fact]
    public void DamagedFiles_ThrowWithTheRule()
    {
        byte[] file = Save(Read(string.Join('\n', s_entries)));
        for (int length = 0; length < file.Length; length++)
            AssertInvalid(file[..length]);
        for (int i = 0; i < file.Length; i++)
        {
            byte[] altered = [.. file];
            altered[i] ^= 0x20;
            AssertInvalid(altered);
        }
        AssertInvalid([.. file, 0]);
    }

    [Fact]
    public void TextTokenizers_LoadEitherKind()
    {
        var wordPiece = Read(string.Join('\n', s_entries));
        using var wordPieceFile = new MemoryStream(Save(wordPiece));
        Assert.Equal(wordPiece.Encode("thes \u4E2D"), Assert.IsType<WordPieceTokenizer>(TextTokenizers.Load(wordPieceFile)).Encode("thes \u4E2D"));

        var bpe = TokenizerSamples.Small;
        using var bpeFile = new MemoryStream(TokenizerSamples.Save(bpe));
        Assert.Equal(bpe.Encode("the dog"), Assert.IsType<ByteLevelBpeTokenizer>(TextTokenizers.Load(bpeFile)).Encode("the dog"));

        foreach (byte[] other in (byte[][])[[], [0], [.. "MahaWP"u8], [.. "MahaX"u8], [.. "{}"u8]])
        {
            using var stream = new MemoryStream(other);
            Assert.Throws<InvalidDataException>(() => TextTokenizers.Load(stream));
        }
    }

    [Fact]
    public void Case_IsTakenFromTheVocabulary()
    {
        Assert.False(Read(string.Join('\n', s_entries)).IsVocabularyLowerCase());
        Assert.False(Read(string.Join('\n', [.. s_entries[..^1], "\u0416"])).IsVocabularyLowerCase());
        // A letter that is upper case by its category, but has no lower case.
        Assert.True(Read(string.Join('\n', [.. s_entries[..^1], "\u211D"])).IsVocabularyLowerCase());
    }

    private static WordPieceTokenizer Read(string vocabulary, bool lowerCase = true)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(vocabulary));
        return WordPieceTokenizer.FromVocabulary(stream, lowerCase);
    }

    private static byte[] Save(WordPieceTokenizer tokenizer)
    {
        using var stream = new MemoryStream();
        tokenizer.Save(stream);
        return stream.ToArray();
    }

    private static void AssertInvalid(byte[] file)
    {
        using var stream = new MemoryStream(file);
        Assert.Contains("must", Assert.Throws<InvalidDataException>(() => WordPieceTokenizer.Load(stream)).Message, StringComparison.Ordinal);
    }
}
