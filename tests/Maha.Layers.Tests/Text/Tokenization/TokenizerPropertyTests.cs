using System.Buffers;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class TokenizerPropertyTests
{
    private readonly ByteLevelBpeTokenizer _tokenizer = TokenizerSamples.Small;

    [Fact]
    public void Decode_RestoresEveryText() => HostileText.Check(text =>
        Assert.Equal(HostileText.Escape(text), HostileText.Escape(_tokenizer.Decode(_tokenizer.Encode(text)))), tests: 1000);

    [Fact]
    public void Decode_RestoresEveryCodeUnit()
    {
        for (int c = 0; c <= char.MaxValue; c++)
        {
            string text = $"{(char)c}x{(char)c}{(char)c}";
            Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));
        }
    }

    [Fact]
    public void Encode_NeverGivesSpecialTokens_WhateverTheText() => HostileText.Check(text =>
        Assert.All(_tokenizer.Encode(text + "[PAD][CLS][MASK]"), id => Assert.False(_tokenizer.IsSpecialToken(id))));

    [Fact]
    public void Offsets_PartitionTheText() => HostileText.Check(text =>
    {
        int[] ids = _tokenizer.Encode(text, out int[] offsets);
        Assert.Equal(_tokenizer.Encode(text), ids);
        Assert.Equal(ids.Length + 1, offsets.Length);
        Assert.Equal(0, offsets[0]);
        Assert.Equal(text.Length, offsets[^1]);
        for (int i = 0; i < ids.Length; i++)
        {
            Assert.True(offsets[i] <= offsets[i + 1]);
        }
    });

    [Fact]
    public void Offsets_PointAtTheTextOfEachToken() => HostileText.Check(text =>
    {
        int[] ids = _tokenizer.Encode(text, out int[] offsets);
        for (int i = 0; i < ids.Length; i++)
        {
            string decoded = _tokenizer.Decode(ids.AsSpan(i, 1));
            if (!decoded.Contains('\uFFFD', StringComparison.Ordinal))
            {
                Assert.Equal(HostileText.Escape(text[offsets[i]..offsets[i + 1]]), HostileText.Escape(decoded));
            }
        }
    });

    [Fact]
    public void Tokens_AreWhitespaceOrHoldOneSpaceAtTheStart() => HostileText.Check(text =>
    {
        int[] ids = _tokenizer.Encode(text, out int[] offsets);
        for (int i = 0; i < ids.Length; i++)
        {
            string token = text[offsets[i]..offsets[i + 1]];
            Assert.True(string.IsNullOrWhiteSpace(token) || !token[(token[0] == ' ' ? 1 : 0)..].Any(char.IsWhiteSpace));
        }
    });

    [Fact]
    public void EveryWayToEncode_GivesTheSameIds() => HostileText.Check(text =>
    {
        int[] ids = _tokenizer.Encode(text);
        var writer = new ArrayBufferWriter<int>();
        Assert.Equal(ids.Length, _tokenizer.Encode(text, writer));
        Assert.Equal(ids, writer.WrittenSpan.ToArray());
        Assert.Equal(ids.Length, _tokenizer.CountTokens(text));
        Assert.Equal(ids, _tokenizer.EncodeBatch([text]).Single());
    });

    [Fact]
    public void LimitedEncode_ReturnsTheFirstTokensAndTheirNumberOfCharacters() => HostileText.Check(text =>
    {
        int[] all = _tokenizer.Encode(text, out int[] offsets);
        for (int maxTokens = 0; maxTokens <= all.Length + 1; maxTokens += 1 + all.Length / 40)
        {
            int[] ids = _tokenizer.Encode(text, maxTokens, out int consumed);
            Assert.Equal(all.Take(maxTokens), ids);
            Assert.Equal(ids.Length < all.Length, consumed < text.Length);
            Assert.InRange(consumed, Math.Max(0, offsets[ids.Length] - 2), offsets[ids.Length]);
            Assert.StartsWith(text[..consumed], _tokenizer.Decode(ids), StringComparison.Ordinal);
        }
    }, tests: 100);

    [Fact]
    public void StreamDecoder_ReturnsTheTextOfDecode_ForAnyIds()
    {
        var random = new Random(5);
        for (int round = 0; round < 2000; round++)
        {
            // Bytes of two- to four-byte sequences and special tokens among the ids, in any order.
            int[] ids = [.. Enumerable.Range(0, random.Next(12)).Select(_ => random.Next(4) == 0 ? random.Next(6) : 6 + random.Next(0x80, 0x100))];
            bool skip = random.Next(2) == 0;
            var decoder = _tokenizer.CreateStreamDecoder(skip);
            string streamed = string.Concat(ids.Select(id => decoder.Append(id))) + decoder.Flush();
            Assert.Equal(_tokenizer.Decode(ids, skip), streamed);
        }
    }

    [Fact]
    public void StreamDecoder_NeverReturnsHalfACharacter() => HostileText.Check(text =>
    {
        int[] ids = _tokenizer.Encode(text, out int[] offsets);
        var decoder = _tokenizer.CreateStreamDecoder();
        int shown = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            string piece = decoder.Append(ids[i]);
            Assert.True(shown + piece.Length <= offsets[i + 1]);
            Assert.Equal(text.Substring(shown, piece.Length), piece);
            shown += piece.Length;
            Assert.False(shown < text.Length && shown > 0 && char.IsSurrogatePair(text[shown - 1], text[shown]));
        }

        Assert.Equal(text.Length, shown);
        Assert.Equal("", decoder.Flush());
    });

    [Fact]
    public void SavedAndLoaded_EncodesTheSame()
    {
        var loaded = TokenizerSamples.Load(TokenizerSamples.Save(_tokenizer));
        HostileText.Check(text => Assert.Equal(_tokenizer.Encode(text), loaded.Encode(text)));
    }
}
