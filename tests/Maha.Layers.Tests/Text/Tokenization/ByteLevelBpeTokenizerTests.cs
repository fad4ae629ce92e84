using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

public class ByteLevelBpeTokenizerTests
{
    private readonly ByteLevelBpeTokenizer _tokenizer = TokenizerSamples.Small;

    [Fact]
    public void EmptyText_HasNoTokens()
    {
        Assert.Empty(_tokenizer.Encode(""));
        Assert.Empty(_tokenizer.Encode("", out int[] offsets));
        Assert.Equal([0], offsets);
        Assert.Equal(0, _tokenizer.CountTokens(""));
        Assert.Equal("", _tokenizer.Decode([]));
    }

    [Fact]
    public void Null_Throws()
    {
        Assert.Throws<ArgumentNullException>(() => _tokenizer.Encode((string)null!));
        Assert.Throws<ArgumentNullException>(() => _tokenizer.EncodeBatch(null!));
        Assert.Throws<ArgumentNullException>(() => ByteLevelBpeTokenizer.Train((IEnumerable<string>)null!));
        Assert.Throws<ArgumentNullException>(() => ByteLevelBpeTokenizer.Load(null!));
        Assert.Throws<ArgumentNullException>(() => _tokenizer.Save(null!));
    }

    [Fact]
    public void NullAmongTexts_IsRefusedWithItsIndex()
    {
        string[] texts = ["a", null!];
        Assert.Contains("text 1 is", Assert.Throws<ArgumentException>(() => ByteLevelBpeTokenizer.Train(texts)).Message, StringComparison.Ordinal);
        Assert.Contains("text 1 is", Assert.Throws<ArgumentException>(() => _tokenizer.EncodeBatch(texts).ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FrequentWord_IsOneToken() => Assert.Single(_tokenizer.Encode(" the"));

    [Fact]
    public void WithoutTexts_TheVocabularyIsSpecialTokensAndBytes()
    {
        var tokenizer = ByteLevelBpeTokenizer.Train(Array.Empty<string>());
        Assert.Equal(6 + 256, tokenizer.VocabSize);
        Assert.Equal([6 + 'a', 6 + 0xC3, 6 + 0xA9], tokenizer.Encode("a\u00E9"));
    }

    [Fact]
    public void Vocabulary_HasNoMoreThanAskedForAndNoTokenTwice()
    {
        Assert.Equal(300, _tokenizer.VocabSize);
        HashSet<string> tokens = [.. Enumerable.Range(6, 294).Select(id => Convert.ToHexString(_tokenizer.GetTokenBytes(id)))];
        Assert.Equal(294, tokens.Count);
    }

    [Fact]
    public void MaxTokenLength_BoundsEveryToken()
    {
        string[] texts = [new string('-', 64 * 50)];
        foreach ((int max, int longest) in ((int, int)[])[(1, 1), (2, 2), (3, 2), (4, 4), (63, 32), (64, 64), (192, 64)])
        {
            var tokenizer = ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { MaxTokenLength = max });
            Assert.Equal(longest, Enumerable.Range(0, tokenizer.VocabSize).Max(id => tokenizer.GetTokenBytes(id).Length));
        }
    }

    [Fact]
    public void LoneSurrogates_BecomeTheThreeBytesOfTheirValue()
    {
        var bytes = ByteLevelBpeTokenizer.Train(Array.Empty<string>());
        Assert.Equal([6 + 0xED, 6 + 0xA0, 6 + 0x80], bytes.Encode("\uD800"));
        Assert.Equal([6 + 0xED, 6 + 0xBF, 6 + 0xBF], bytes.Encode("\uDFFF"));
        Assert.Equal([6 + 0xF0, 6 + 0x90, 6 + 0x80, 6 + 0x80], bytes.Encode("\uD800\uDC00"));
    }

    [Theory]
    [InlineData(new byte[] { 0xFF }, "\uFFFD")]
    [InlineData(new byte[] { 0x80, 0x41 }, "\uFFFDA")]
    [InlineData(new byte[] { 0xE2, 0x82 }, "\uFFFD")]
    [InlineData(new byte[] { 0xE2, 0x82, 0x41 }, "\uFFFDA")]
    [InlineData(new byte[] { 0xF0, 0x9F, 0x98 }, "\uFFFD")]
    [InlineData(new byte[] { 0xC0, 0x80 }, "\uFFFD\uFFFD")]
    [InlineData(new byte[] { 0xED, 0xA0 }, "\uFFFD")]
    [InlineData(new byte[] { 0xED, 0xA0, 0x41 }, "\uFFFDA")]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 }, "\uFFFD\uFFFD\uFFFD\uFFFD")]
    public void InvalidUtf8_DecodesToReplacementCharacters(byte[] bytes, string expected) =>
        Assert.Equal(expected, _tokenizer.Decode([.. bytes.Select(b => 6 + b)]));

    [Fact]
    public void SpecialTokens_HaveFixedIdsAndNoBytes()
    {
        Assert.Equal(["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[BOS]", "[EOS]"], _tokenizer.SpecialTokens);
        Assert.Equal(ByteLevelBpeTokenizer.PadTokenId, _tokenizer.GetSpecialTokenId("[PAD]"));
        Assert.Equal(ByteLevelBpeTokenizer.ClsTokenId, _tokenizer.GetSpecialTokenId("[CLS]"));
        Assert.Equal(ByteLevelBpeTokenizer.SepTokenId, _tokenizer.GetSpecialTokenId("[SEP]"));
        Assert.Equal(ByteLevelBpeTokenizer.MaskTokenId, _tokenizer.GetSpecialTokenId("[MASK]"));
        Assert.Equal(ByteLevelBpeTokenizer.BosTokenId, _tokenizer.GetSpecialTokenId("[BOS]"));
        Assert.Equal(ByteLevelBpeTokenizer.EosTokenId, _tokenizer.GetSpecialTokenId("[EOS]"));
        Assert.True(_tokenizer.GetTokenBytes(ByteLevelBpeTokenizer.EosTokenId).IsEmpty);
        Assert.True(_tokenizer.IsSpecialToken(5));
        Assert.False(_tokenizer.IsSpecialToken(6));
    }

    [Fact]
    public void AdditionalSpecialTokens_FollowTheFixedOnesAndTextNeverGivesThem()
    {
        var options = new ByteLevelBpeTokenizerOptions { AdditionalSpecialTokens = ["<user>", "<tool>"], VocabSize = 300, MinFrequency = 1 };
        var tokenizer = ByteLevelBpeTokenizer.Train(["<user> <user> <tool>"], options);
        Assert.Equal(6, tokenizer.GetSpecialTokenId("<user>"));
        Assert.Equal(7, tokenizer.GetSpecialTokenId("<tool>"));
        Assert.All(tokenizer.Encode("<user> <tool><user>"), id => Assert.InRange(id, 8, tokenizer.VocabSize - 1));
        Assert.Equal("<user> x", tokenizer.Decode(tokenizer.Encode("<user> x")));
        Assert.Throws<ArgumentException>(() => tokenizer.GetSpecialTokenId("<nobody>"));
    }

    [Fact]
    public void Decode_SkipsOrNamesSpecialTokens()
    {
        int[] ids = [ByteLevelBpeTokenizer.BosTokenId, .. _tokenizer.Encode("the fox"), ByteLevelBpeTokenizer.EosTokenId];
        Assert.Equal("the fox", _tokenizer.Decode(ids));
        Assert.Equal("[BOS]the fox[EOS]", _tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(300)]
    [InlineData(int.MaxValue)]
    public void IdOutsideTheVocabulary_Throws(int id)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _tokenizer.Decode([7, id]));
        Assert.Contains($"from 0 to 299 (the vocabulary has 300), but one is {id}", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => _tokenizer.IsSpecialToken(id));
        Assert.Throws<ArgumentOutOfRangeException>(() => _tokenizer.GetTokenBytes(id).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _tokenizer.CreateStreamDecoder().Append(id));
    }

    [Fact]
    public void StreamDecoder_HoldsBackIncompleteCharacters()
    {
        var decoder = _tokenizer.CreateStreamDecoder();
        string[] shown = [.. new byte[] { 0x61, 0xF0, 0x9F, 0x98, 0x80, 0x62, 0xED, 0xA0, 0x80, 0xE2 }.Select(b => decoder.Append(6 + b))];
        Assert.Equal(["a", "", "", "", "\U0001F600", "b", "", "", "\uD800", ""], shown);
        Assert.Equal("\uFFFD", decoder.Flush());
        Assert.Equal("", decoder.Flush());
        Assert.Equal("the fox", decoder.Append(_tokenizer.Encode("the fox")));
    }

    public static TheoryData<ByteLevelBpeTokenizerOptions, string> InvalidOptions => new()
    {
        { new() { VocabSize = 261 }, "VocabSize must be from 262 (special tokens and 256 bytes) to 1048576, but is 261" },
        { new() { VocabSize = (1 << 20) + 1 }, "but is 1048577" },
        { new() { VocabSize = 262, AdditionalSpecialTokens = ["x"] }, "VocabSize must be from 263" },
        { new() { MinFrequency = 0 }, "MinFrequency must be at least 1, but is 0" },
        { new() { MaxTokenLength = 0 }, "MaxTokenLength must be from 1 to 192 bytes, but is 0" },
        { new() { MaxTokenLength = 193 }, "but is 193" },
        { new() { NumThreads = -1 }, "NumThreads must be at least 0, but is -1" },
        { new() { AdditionalSpecialTokens = null! }, "AdditionalSpecialTokens must not be null" },
        { new() { AdditionalSpecialTokens = [""] }, "must not be null or empty" },
        { new() { AdditionalSpecialTokens = ["x\uD800"] }, "lone surrogate" },
        { new() { AdditionalSpecialTokens = ["[PAD]"] }, "'[PAD]' occurs twice" },
        { new() { AdditionalSpecialTokens = ["x", "x"] }, "'x' occurs twice" },
    };

    [Theory]
    [MemberData(nameof(InvalidOptions), DisableDiscoveryEnumeration = true)]
    public void InvalidOption_IsRefusedWithRuleAndValue(ByteLevelBpeTokenizerOptions options, string message)
    {
        var error = Assert.ThrowsAny<ArgumentException>(() => ByteLevelBpeTokenizer.Train(["a"], options));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
