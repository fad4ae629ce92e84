using System.Text;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class TokenizerFileTests
{
    private const string Head =
        "{\"format\":\"maha-byte-level-bpe\",\"version\":1,\"preTokenizer\":\"maha-words-64\",\"vocabSize\":300,\"minFrequency\":2,\"maxTokenLength\":4," +
        "\"specialTokens\":[\"[PAD]\",\"[CLS]\",\"[SEP]\",\"[MASK]\",\"[BOS]\",\"[EOS]\"],";

    private const string Good = Head + "\"merges\":[[103,104],[262,103]]}";

    [Fact]
    public void SavedFile_HasTheDocumentedForm()
    {
        var tokenizer = ByteLevelBpeTokenizer.Train(["abab"], new ByteLevelBpeTokenizerOptions { VocabSize = 300, MaxTokenLength = 4 });
        Assert.Equal(Head + "\"merges\":[[103,104]]}", Encoding.UTF8.GetString(TokenizerSamples.Save(tokenizer)));
    }

    [Fact]
    public void HandwrittenFile_Loads()
    {
        var tokenizer = TokenizerSamples.Load(Encoding.UTF8.GetBytes(Good));
        Assert.Equal(264, tokenizer.VocabSize);
        Assert.Equal([263, 6 + 'c', 262], tokenizer.Encode("abacab"));
    }

    [Fact]
    public void HandwrittenFile_MayHoldATokenThatItsMergesNeverReach()
    {
        string file = Good.Replace("[262,103]", "[104,105],[103,263]", StringComparison.Ordinal);
        var tokenizer = TokenizerSamples.Load(Encoding.UTF8.GetBytes(file));
        Assert.Equal("abc", Encoding.UTF8.GetString(tokenizer.GetTokenBytes(264)));
        Assert.Equal([262, 6 + 'c', 6 + ' '], tokenizer.Encode("abc and enough text after it").Take(3));
    }

    [Fact]
    public void SaveAndLoad_KeepEverything()
    {
        var options = new ByteLevelBpeTokenizerOptions
        {
            VocabSize = 500,
            MinFrequency = 3,
            MaxTokenLength = 20,
            AdditionalSpecialTokens = ["<\u00E9\"\U0001F600>"],
            NumThreads = 3,
        };
        var saved = ByteLevelBpeTokenizer.Train(TokenizerSamples.Texts, options);
        var loaded = TokenizerSamples.Load(TokenizerSamples.Save(saved));
        Assert.Equal(saved.SpecialTokens, loaded.SpecialTokens);
        Assert.Equal(
            saved.Options with { AdditionalSpecialTokens = [], NumThreads = 0 }, loaded.Options with { AdditionalSpecialTokens = [] });
        Assert.Equal(TokenizerSamples.Save(saved), TokenizerSamples.Save(loaded));
    }

    [Fact]
    public void SaveAndLoad_LeaveTheStreamOpenAndStartAtItsPosition()
    {
        using var stream = new MemoryStream();
        stream.Write([1, 2, 3]);
        TokenizerSamples.Small.Save(stream);
        stream.Position = 3;
        Assert.Equal(TokenizerSamples.Small.VocabSize, ByteLevelBpeTokenizer.Load(stream).VocabSize);
        Assert.Equal(stream.Length, stream.Position);
    }

    [Fact]
    public void EveryTruncation_IsRefused()
    {
        byte[] file = Encoding.UTF8.GetBytes(Good);
        for (int length = 0; length < file.Length; length++)
        {
            byte[] cut = file[..length];
            string message = Assert.Throws<InvalidDataException>(() => TokenizerSamples.Load(cut)).Message;
            Assert.Contains(length == 0 ? "empty" : "truncated or altered", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AlteredBytes_LoadOrAreRefused()
    {
        byte[] file = Encoding.UTF8.GetBytes(Good);
        for (int i = 0; i < file.Length; i++)
        {
            foreach (byte value in "09-\\u\"[]{},:x\0\u00FF".Select(c => (byte)c))
            {
                byte[] altered = [.. file];
                altered[i] = value;
                try
                {
                    var tokenizer = TokenizerSamples.Load(altered);
                    Assert.Equal("abab caf\u00E9", tokenizer.Decode(tokenizer.Encode("abab caf\u00E9")));
                }
                catch (InvalidDataException)
                {
                    // The expected error of a broken file.
                }
            }
        }
    }

    [Theory]
    [InlineData("\"maha-byte-level-bpe\"", "\"other\"", "\"format\" must be \"maha-byte-level-bpe\", but is \"other\"")]
    [InlineData("\"maha-byte-level-bpe\"", "5", "\"format\" must exist and be a string")]
    [InlineData("\"maha-byte-level-bpe\"", "\"\\uD800\"", "all strings must be valid Unicode")]
    [InlineData("\"version\":1", "\"version\":2", "it has version 2, but this library reads up to version 1. Use a newer library")]
    [InlineData("\"version\":1", "\"version\":0", "versions start at 1, but it has version 0")]
    [InlineData("\"version\":1", "\"version\":1.5", "\"version\" must exist and be an integer")]
    [InlineData("\"version\":1", "\"version\":\"1\"", "\"version\" must exist and be an integer")]
    [InlineData("\"version\":1,", "", "\"version\" must exist")]
    [InlineData("\"version\":1", "\"version\":1,\"version\":1", "truncated or altered")]
    [InlineData("\"version\":1", "\"version\":1,\"more\":1", "version 1 has no property \"more\"")]
    [InlineData("\"version\":1", "\"version\":1,\"\\uD800\":1", "valid Unicode")]
    [InlineData("maha-words-64", "gpt", "\"preTokenizer\" must be \"maha-words-64\", but is \"gpt\"")]
    [InlineData("\"vocabSize\":300", "\"vocabSize\":100", "VocabSize must be from 262")]
    [InlineData("\"vocabSize\":300", "\"vocabSize\":99999999999", "\"vocabSize\" must exist and be an integer from 0 to 2147483647")]
    [InlineData("\"vocabSize\":300", "\"vocabSize\":263", "leaves room for 1 merges, but there are 2")]
    [InlineData("\"minFrequency\":2", "\"minFrequency\":0", "MinFrequency must be at least 1")]
    [InlineData("\"minFrequency\":2", "\"minFrequency\":-1", "\"minFrequency\" must exist and be an integer")]
    [InlineData("\"maxTokenLength\":4", "\"maxTokenLength\":1", "at most maxTokenLength = 1 bytes, but merge 0 makes 2")]
    [InlineData("\"maxTokenLength\":4", "\"maxTokenLength\":1000", "MaxTokenLength must be from 1 to 192")]
    [InlineData("\"[PAD]\",", "", "must start with [PAD] [CLS]")]
    [InlineData("\"[EOS]\"", "\"[EOS]\",\"[PAD]\"", "'[PAD]' occurs twice")]
    [InlineData("\"[EOS]\"", "\"[EOS]\",7", "special token 6 must be a string")]
    [InlineData("[103,104]", "[103,262]", "merge 0 must join ids from 6 to 261, but joins 103 and 262")]
    [InlineData("[103,104]", "[5,104]", "merge 0 must join ids from 6 to 261, but joins 5 and 104")]
    [InlineData("[103,104]", "[-1,104]", "merge 0 must join ids from 6")]
    [InlineData("[103,104]", "[103]", "merge 0 must be an array of two token ids")]
    [InlineData("[103,104]", "[103,104,105]", "merge 0 must be an array of two token ids")]
    [InlineData("[103,104]", "[103,1.5]", "merge 0 must be an array of two token ids")]
    [InlineData("[103,104]", "[103,99999999999]", "merge 0 must be an array of two token ids")]
    [InlineData("[103,104]", "7", "merge 0 must be an array of two token ids")]
    [InlineData("[103,104]", "[[103,104],104]", "merge 0 must be an array of two token ids")]
    [InlineData("[103,104]", "[[[103]],104]", "truncated or altered")]
    [InlineData("[262,103]", "[103,104]", "no two tokens are the same, but merge 1 (103, 104) makes an earlier token again")]
    [InlineData("[262,103]", "[104,103],[262,103],[103,263]", "no two tokens are the same, but merge 3 (103, 263)")]
    [InlineData("\"merges\":[[103,104],[262,103]]", "\"merges\":{}", "\"merges\" must exist and be an array")]
    [InlineData(",\"merges\":[[103,104],[262,103]]", "", "\"merges\" must exist and be an array")]
    public void BrokenRule_IsRefusedByName(string good, string bad, string message)
    {
        Assert.Contains(good, Good, StringComparison.Ordinal);
        byte[] file = Encoding.UTF8.GetBytes(Good.Replace(good, bad, StringComparison.Ordinal));
        var error = Assert.Throws<InvalidDataException>(() => TokenizerSamples.Load(file));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Load a file that ByteLevelBpeTokenizer.Save wrote.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7 7")]
    [InlineData("PK\u0003\u0004 not a tokenizer")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[")]
    public void OtherContent_IsRefused(string content) =>
        Assert.Throws<InvalidDataException>(() => TokenizerSamples.Load(Encoding.UTF8.GetBytes(content)));

    [Fact]
    public void EndlessStream_IsRefusedBeforeItFillsTheMemory()
    {
        using var stream = new EndlessSpaces();
        var error = Assert.Throws<InvalidDataException>(() => ByteLevelBpeTokenizer.Load(stream));
        Assert.Contains("at most 67108864 bytes", error.Message, StringComparison.Ordinal);
    }

    private sealed class EndlessSpaces : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)' ');
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
