using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Data;

/// <summary>The text of a document that was cut is that of its kept tokens.</summary>
public sealed class TokenLimitTests
{
    // One to four bytes in UTF-8, and both halves of a pair alone.
    private static readonly string[] s_characters = ["a", "b", " ", "\u00e9", "\u4e2d", "\ud83d\ude00", "\ud83d", "\ude00"];

    [Theory]
    [InlineData(OverlongDocuments.KeepStart)]
    [InlineData(OverlongDocuments.KeepEnd)]
    [InlineData(OverlongDocuments.KeepStartAndEnd)]
    public void CutText_IsTheTextOfTheKeptTokens(OverlongDocuments overlong)
    {
        // A few merges only, so that many characters have several tokens and are cut inside.
        var tokenizer = ByteLevelBpeTokenizer.Train(["aa bb ab ba a\u00e9a\u00e9"], new ByteLevelBpeTokenizerOptions { VocabSize = 512 });
        var random = new Random(5);
        int inside = 0;
        for (int i = 0; i < 400; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => s_characters[random.Next(s_characters.Length)]));
            int[] ids = tokenizer.Encode(text);
            for (int limit = 2; limit <= ids.Length + 1; limit++)
            {
                string kept = TokenLimit.CutText(text.AsMemory(), ids, limit, overlong, tokenizer).ToString();
                if (ids.Length <= limit)
                {
                    Assert.Equal(text, kept);
                    continue;
                }
                int atEnd = overlong switch { OverlongDocuments.KeepStart => 0, OverlongDocuments.KeepEnd => limit, _ => limit / 2 };
                // Bytes of a character that was cut are U+FFFD in the decoded text, at the border only.
                string start = tokenizer.Decode(ids.AsSpan(0, limit - atEnd)), end = tokenizer.Decode(ids.AsSpan(ids.Length - atEnd));
                inside += start.Contains('\ufffd', StringComparison.Ordinal) || end.Contains('\ufffd', StringComparison.Ordinal) ? 1 : 0;
                Assert.Equal(start.TrimEnd('\ufffd') + end.TrimStart('\ufffd'), kept);
            }
        }
        Assert.True(inside > 100, $"{inside} documents were cut inside a character");
    }

    [Theory]
    [InlineData(OverlongDocuments.KeepStart)]
    [InlineData(OverlongDocuments.KeepEnd)]
    [InlineData(OverlongDocuments.KeepStartAndEnd)]
    public void ALongDocument_IsEncodedInPart_AndCutAsIfInWhole(OverlongDocuments overlong)
    {
        string[] parts =
        [
            "cat", "dog", " the ", " a b", "runs sleeps", "1234567", " ", "  ", "\n", "'s",
            ".", "\u00e9", "e\u0301", "\u4e2d", "\ud83d\ude00", "\ud83d", "bad good",
        ];
        ITextTokenizer[] tokenizers =
        [
            ByteLevelBpeTokenizer.Train(["the cat runs, a dog sleeps. the cat's dog"], new ByteLevelBpeTokenizerOptions { VocabSize = 300 }),
            SmallWordPiece.Create(),
        ];
        var random = new Random(8);
        int inPart = 0;
        for (int i = 0; i < 60; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(200, 4000)).Select(_ => parts[random.Next(parts.Length)])).AsMemory();
            foreach (var tokenizer in tokenizers)
            {
                int[] whole = tokenizer.Encode(text.Span);
                foreach (int limit in new[] { 2, 3, 40, 700 })
                {
                    var (part, ids) = TokenLimit.Encode(tokenizer, text, limit, overlong);
                    inPart += part.Length < text.Length ? 1 : 0;
                    Assert.Equal(TokenLimit.Cut(whole, limit, overlong).ToArray(), TokenLimit.Cut(ids, limit, overlong).ToArray());
                    Assert.Equal(
                        TokenLimit.CutText(text, whole, limit, overlong, tokenizer).ToString(),
                        TokenLimit.CutText(part, ids, limit, overlong, tokenizer).ToString());
                }
            }
        }
        Assert.InRange(inPart, 100, 460);
    }

    [Theory]
    [InlineData(OverlongDocuments.KeepStart)]
    [InlineData(OverlongDocuments.KeepEnd)]
    [InlineData(OverlongDocuments.KeepStartAndEnd)]
    public void OfALongDocument_FewCharactersAreEncoded(OverlongDocuments overlong)
    {
        var tokenizer = ByteLevelBpeTokenizer.Train(["the cat runs, a dog sleeps."], new ByteLevelBpeTokenizerOptions { VocabSize = 300 });
        string text = string.Concat(Enumerable.Repeat("the cat runs, a dog sleeps. ", 400_000));
        TokenLimit.Encode(tokenizer, text.AsMemory(), 1024, overlong);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var (part, ids) = TokenLimit.Encode(tokenizer, text.AsMemory(), 1024, overlong);
        Assert.InRange(part.Length, 1024, 40_000);
        Assert.InRange(ids.Length, 1025, 40_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
        // With Throw, the message has the length of the whole document.
        Assert.Equal(text.Length, TokenLimit.Encode(tokenizer, text.AsMemory(), 1024, OverlongDocuments.Throw).Text.Length);
    }

    [Theory]
    [InlineData(1 << 30, false)]
    [InlineData(0, true)]
    public void KeptTexts_AreReturned_FromMemoryAndFromTheFile(long maxBytesInMemory, bool isSpilled)
    {
        var tokenizer = ByteLevelBpeTokenizer.Train(["a text to learn from"], new ByteLevelBpeTokenizerOptions { VocabSize = 512 });
        var random = new Random(6);
        string[] texts =
        [
            "", "x", "\ud83d", "\ude00\ud83d",
            .. Enumerable.Range(0, 200).Select(i => string.Concat(Enumerable.Range(0, 20 * i).Select(_ => s_characters[random.Next(s_characters.Length)]))),
        ];
        using var dataset = TokenizedDataset.FromTexts(
            texts.Select((text, row) => (text, row % 3)), tokenizer, new TokenizedDatasetOptions { KeepTexts = true, MaxBytesInMemory = maxBytesInMemory });
        Assert.Equal(isSpilled, dataset.IsSpilled);
        ITextDocuments documents = dataset;
        var (training, validation) = DocumentSubset.Split(dataset, 0.5, 1);
        Parallel.For(0, texts.Length, row => Assert.Equal(texts[row], documents.TextOf(row)));
        foreach (var part in new[] { training, validation! })
            Assert.All(Enumerable.Range(0, part.Count), row => Assert.Equal(texts[part.Rows[row]], part.TextOf(row)));
    }

    [Fact]
    public void TextsThatWereNotKept_AreRefused()
    {
        var tokenizer = ByteLevelBpeTokenizer.Train(["a text to learn from"], new ByteLevelBpeTokenizerOptions { VocabSize = 512 });
        using var dataset = TokenizedDataset.FromTexts([("a text", 0)], tokenizer);
        Assert.Contains("Set KeepTexts", Assert.Throws<InvalidOperationException>(() => ((ITextDocuments)dataset).TextOf(0)).Message, StringComparison.Ordinal);
    }
}
