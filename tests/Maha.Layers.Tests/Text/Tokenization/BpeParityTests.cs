using Maha.Layers.Tests.Reference;
using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

public class BpeParityTests
{
    private const int NumSpecialTokens = 6;

    [Theory]
    [InlineData(400, 2, 64)]
    [InlineData(330, 1, 64)]
    [InlineData(330, 3, 3)]
    [InlineData(262, 2, 64)]
    [InlineData(100_000, 4, 64)]
    public void Training_LearnsTheMergesOfTheNaiveTwin(int vocabSize, int minFrequency, int maxTokenLength)
    {
        string[] texts = [.. TokenizerSamples.Texts.Select(WithoutPairsAndLongWords)];
        var options = new ByteLevelBpeTokenizerOptions { VocabSize = vocabSize, MinFrequency = minFrequency, MaxTokenLength = maxTokenLength };
        var tokenizer = ByteLevelBpeTokenizer.Train(texts, options);
        var naive = NaiveBpe.Train(texts, vocabSize, minFrequency, maxTokenLength, NumSpecialTokens);
        AssertSameMerges(naive, tokenizer);
    }

    [Fact]
    public void TrainingAndEncoding_EqualTheNaiveTwin_OnFewLetters()
    {
        // Three letters give many ties, overlapping pairs (aaa) and pairs that merge into an existing token.
        var random = new Random(7);
        for (int round = 0; round < 40; round++)
        {
            string[] texts = [RandomWords(random, 60), RandomWords(random, 60)];
            var options = new ByteLevelBpeTokenizerOptions { VocabSize = 310, MinFrequency = 1 + round % 3 };
            var tokenizer = ByteLevelBpeTokenizer.Train(texts, options);
            var naive = NaiveBpe.Train(texts, options.VocabSize, options.MinFrequency, options.MaxTokenLength, NumSpecialTokens);
            AssertSameMerges(naive, tokenizer);
            string text = RandomWords(random, 60);
            Assert.Equal(naive.Encode(text), tokenizer.Encode(text));
        }
    }

    [Fact]
    public void Encoding_EqualsTheNaiveTwin_OnAnyText()
    {
        string[] texts = [.. TokenizerSamples.Texts.Select(WithoutPairsAndLongWords)];
        var naive = NaiveBpe.Train(texts, 400, 2, 64, NumSpecialTokens);
        var tokenizer = ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = 400 });
        HostileText.CheckBasic(text =>
        {
            if (NaiveBpe.Words(text).All(word => word.Length < WordScanner.MaxWordLength))
            {
                Assert.Equal(naive.Encode(text), tokenizer.Encode(text));
            }
        });
    }

    [Fact]
    public void Encoding_EqualsTheNaiveTwin_OnTheLongestWords()
    {
        string[] texts = ["abababababab aaaaaaaa abcabcabcabc", "cabbage cabbage"];
        var naive = NaiveBpe.Train(texts, 280, 1, 64, NumSpecialTokens);
        var tokenizer = ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = 280, MinFrequency = 1 });
        var random = new Random(3);
        for (int length = 1; length <= WordScanner.MaxWordLength; length++)
        {
            string word = string.Concat(Enumerable.Range(0, length).Select(_ => "abc\u4E2D"[random.Next(4)]));
            Assert.Equal(naive.Encode(word), tokenizer.Encode(word));
        }
    }

    [Fact]
    public void AnyCharacterNextToAWord_EncodesAsTheNaiveTwin()
    {
        string[] texts = ["the dog and the fox and the dog and the fox", "theology anderson"];
        var naive = NaiveBpe.Train(texts, 280, 2, 64, NumSpecialTokens);
        var tokenizer = ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = 280 });
        for (int c = 0; c < 0xD800; c += c < 0x800 ? 1 : 37)
        {
            string text = $" the{(char)c}the{(char)c} dog {(char)c} and the fox";
            Assert.Equal(naive.Encode(text), tokenizer.Encode(text));
        }
    }

    [Fact]
    public void EveryPositionOfAWordInTheText_EncodesAsTheNaiveTwinDoes()
    {
        string[] texts = ["the dog, different differently different differently internationalization internationalization"];
        var naive = NaiveBpe.Train(texts, 320, 2, 64, NumSpecialTokens);
        var tokenizer = ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = 320 });
        string text = "the internationalization is different, not done differently by the dog";
        for (int start = 0; start < text.Length; start++)
        {
            for (int end = start; end <= text.Length; end++)
            {
                Assert.Equal(naive.Encode(text[start..end]), tokenizer.Encode(text[start..end]));
            }
        }
    }

    private static void AssertSameMerges(NaiveBpe naive, ByteLevelBpeTokenizer tokenizer)
    {
        string expected = string.Join(',', naive.Merges.Select(m => $"[{m.Left},{m.Right}]"));
        string file = System.Text.Encoding.UTF8.GetString(TokenizerSamples.Save(tokenizer));
        Assert.Contains($"\"merges\":[{expected}]", file, StringComparison.Ordinal);
        Assert.Equal(NumSpecialTokens + 256 + naive.Merges.Count, tokenizer.VocabSize);
    }

    private static string RandomWords(Random random, int count) => string.Concat(Enumerable.Range(0, count).Select(_ =>
        " " + string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => "abc"[random.Next(3)]))));

    // The pattern of the naive tokenizer supports neither characters beyond U+FFFF nor the limit of the length of words.
    private static string WithoutPairsAndLongWords(string text) =>
        string.Concat(text.Where(c => !char.IsSurrogate(c))).Replace(new string('-', 64), "--", StringComparison.Ordinal);
}
