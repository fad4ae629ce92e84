using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.MLNet.TextEncoding;
using Maha.TestData;

namespace Maha.MLNet.Tests.TextEncoding;

public sealed class KeptTextsTests
{
    [Fact]
    public void ASample_HasEveryTextWithTheSameChance()
    {
        int[] counts = new int[20];
        for (int seed = 0; seed < 2000; seed++)
        {
            var sample = new SampledTexts(5, seed);
            for (int i = 0; i < 20; i++)
                Assert.Equal($"{i}", sample.Add($"{i}"));
            Assert.Equal((20, 5), (sample.NumRead, sample.Texts.Distinct().Count()));
            foreach (string text in sample.Texts)
                counts[int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)]++;
        }
        // A quarter of 2,000, with a standard deviation of 19.
        Assert.All(counts, count => Assert.InRange(count, 400, 600));
    }

    [Theory]
    [InlineData(OverlongDocuments.KeepStart)]
    [InlineData(OverlongDocuments.KeepEnd)]
    [InlineData(OverlongDocuments.KeepStartAndEnd)]
    public void ALongText_IsTokenizedNoFurtherThanItIsRead(OverlongDocuments overlong)
    {
        const int limit = 32;
        string text = string.Concat(Enumerable.Repeat("the cat sat on a mat and the dog ran ", 10_000));
        var tokenizer = ByteLevelBpeTokenizer.Train([text[..2000]], new ByteLevelBpeTokenizerOptions { VocabSize = 300 });
        var counting = new CountingTokenizer(tokenizer);
        var kept = new KeptTexts(counting, limit, overlong);
        int[] ids = tokenizer.Encode(text);
        Assert.Equal(TokenLimit.CutText(text.AsMemory(), ids, limit, overlong, tokenizer).ToString(), kept.Cut(text));
        Assert.Equal("the cat", kept.Cut("the cat"));
        Assert.Equal(1, kept.NumCutTexts);
        Assert.InRange(kept.NumCutTokens / (double)(ids.Length - limit), 0.9, 1.1);
        Assert.InRange(counting.Lengths.Sum(), 1000, 10_000);
    }
}
