using Maha.Layers.Data;
using Maha.Layers.Tests.Text;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Data;

/// <summary>The places, in a document, of what a model reads of it.</summary>
public sealed class LocatedDocumentTests
{
    private static readonly ITextTokenizer[] s_tokenizers =
    [
        ByteLevelBpeTokenizer.Train(["the cat runs, a dog sleeps. the cat's dog"], new ByteLevelBpeTokenizerOptions { VocabSize = 300 }),
        SmallWordPiece.Create(),
    ];

    [Fact]
    public void EndsOf_AreTheCharactersOfTheTokensSoFar() => HostileText.Check(text =>
    {
        foreach (var tokenizer in s_tokenizers)
        {
            int[] ids = tokenizer.Encode(text), ends = tokenizer.EndsOf(text, ids);
            Assert.Equal(ids.Length, ends.Length);
            int before = 0;
            for (int i = 0; i + 1 < ids.Length; i++)
            {
                int covered = tokenizer.CharactersOf(text, ids.AsSpan(0, i + 1), fromEnd: false);
                Assert.True(ends[i] == covered || (ends[i] == before && covered > before), $"token {i} of {ids.Length}");
                Assert.False(ends[i] > 0 && ends[i] < text.Length && char.IsSurrogatePair(text[ends[i] - 1], text[ends[i]]));
                before = ends[i];
            }
            if (ids.Length > 0)
                Assert.InRange(ends[^1], before, text.Length);
            if (tokenizer is ByteLevelBpeTokenizer && ids.Length > 0)
                Assert.Equal(text.Length, ends[^1]);
        }
    }, tests: 150);

    [Theory]
    [InlineData(OverlongDocuments.KeepStart, 12)]
    [InlineData(OverlongDocuments.KeepEnd, 12)]
    [InlineData(OverlongDocuments.KeepStartAndEnd, 13)]
    [InlineData(OverlongDocuments.KeepStartAndEnd, 2000)]
    public void Places_AreInTheDocument(OverlongDocuments overlong, int limit)
    {
        foreach (var tokenizer in s_tokenizers)
        {
            foreach (int words in new[] { 0, 1, 5, 40, 9000 })
            {
                // Every word differs from its neighbors, so that a wrong place is another word.
                string text = string.Join(' ', Enumerable.Range(0, words).Select(i =>
                    $"{(i % 2 == 0 ? "cat" : "dog")}\ud83d\ude00 {(char)('a' + (i % 26))}{(char)('a' + (i / 26 % 26))}"));
                var document = LocatedDocument.Read(tokenizer, text.AsMemory(), limit, overlong);
                int[] whole = tokenizer.Encode(text);
                Assert.Equal(TokenLimit.Cut(whole, limit, overlong).ToArray(), document.TokenIds.ToArray());
                Assert.Equal(TokenLimit.CutText(text.AsMemory(), whole, limit, overlong, tokenizer).ToString(), document.Text.ToString());
                Assert.Equal(whole.Length > limit && overlong == OverlongDocuments.KeepStartAndEnd ? limit - (limit / 2) : 0, document.Seam);
                int[] ends = tokenizer.EndsOf(text, whole);
                int cut = whole.Length - document.TokenIds.Length;
                int kept = cut == 0 ? whole.Length : limit - TokenLimit.KeptAtEnd(limit, overlong);
                for (int i = 0; i < document.Places.Count; i++)
                {
                    int token = i < kept ? i : i + cut;
                    Assert.Equal((token == 0 ? 0 : ends[token - 1], ends[token]), document.Places[i]);
                }
                // The text, character by character, and as a whole.
                string read = document.Text.ToString();
                for (int i = 0; i < read.Length; i += 7)
                {
                    var (start, end) = Assert.Single(document.PlacesOf(i, i + 1));
                    Assert.Equal((read[i], 1), (text[start], end - start));
                }
                Assert.Equal(read, string.Concat(document.PlacesOf(0, read.Length).Select(place => text[place.Start..place.End])));
            }
        }
    }
}
