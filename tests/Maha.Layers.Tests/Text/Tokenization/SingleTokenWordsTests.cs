using System.Text;

namespace Maha.Layers.Tests.Text;

public class SingleTokenWordsTests
{
    private const int FirstMergeId = 262;
    private const string Stem = "aaaaaaaa";
    private const string Letters = "bcdefghijklmnopqrstuvwxyz";

    [Fact]
    public void ManyWordsThatShareEightLetters_AreDistinguished()
    {
        // Tokens: the stem by three merges, then the stem and one letter, then the stem and two.
        var merges = new List<string> { Merge(6 + 'a', 6 + 'a'), Merge(FirstMergeId, FirstMergeId), Merge(FirstMergeId + 1, FirstMergeId + 1) };
        var words = new Dictionary<string, int>();
        foreach (char x in Letters)
        {
            words.Add(Stem + x, FirstMergeId + merges.Count);
            merges.Add(Merge(FirstMergeId + 2, 6 + x));
        }

        foreach (char x in Letters)
        {
            foreach (char y in Letters)
            {
                words.Add(Stem + x + y, FirstMergeId + merges.Count);
                merges.Add(Merge(words[Stem + x], 6 + y));
            }
        }

        var tokenizer = TokenizerSamples.Load(Encoding.UTF8.GetBytes(
            "{\"format\":\"maha-byte-level-bpe\",\"version\":1,\"preTokenizer\":\"maha-words-64\",\"vocabSize\":2000,\"minFrequency\":2," +
            "\"maxTokenLength\":64,\"specialTokens\":[\"[PAD]\",\"[CLS]\",\"[SEP]\",\"[MASK]\",\"[BOS]\",\"[EOS]\"]," +
            $"\"merges\":[{string.Join(',', merges)}]}}"));
        foreach ((string word, int id) in words)
        {
            Assert.Equal([id, 6 + '.'], tokenizer.Encode(word + ". and what follows it").Take(2));
            Assert.Equal([6 + ' ', id, 6 + '.'], tokenizer.Encode($" {word}. and what follows it").Take(3));
            if (word.Length == Stem.Length + 2)
            {
                Assert.Equal([id, 6 + 'q', 6 + '.'], tokenizer.Encode(word + "q. and what follows it").Take(3));
            }
        }
    }

    private static string Merge(int left, int right) => $"[{left},{right}]";
}
