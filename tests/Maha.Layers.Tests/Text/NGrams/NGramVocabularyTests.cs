using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class NGramVocabularyTests
{
    [Fact]
    public void Vectors_AreThoseOfTheirDefinition()
    {
        var random = new Random(1);
        string Text() => string.Join(' ', Enumerable.Range(0, 1 + random.Next(12)).Select(_ => $"w{random.Next(9)}"));
        string[] texts = [.. Enumerable.Range(0, 30).Select(_ => Text())];
        var vocabulary = NGramVocabulary.Learn(texts.Select(text => NGramText.Read(text)), 1000);

        var slow = texts.Select(SlowGrams).ToArray();
        var frequencies = slow.SelectMany(grams => grams.Keys).GroupBy(gram => gram).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal(frequencies.Count(pair => pair.Value >= 2), vocabulary.Count);
        var expected = slow.Select(grams =>
        {
            var values = grams.Where(pair => frequencies[pair.Key] >= 2)
                .ToDictionary(pair => pair.Key, pair => (1 + Math.Log(pair.Value)) * (Math.Log(31.0 / (1 + frequencies[pair.Key])) + 1));
            double norm = Math.Sqrt(values.Values.Sum(value => value * value));
            return values.ToDictionary(pair => pair.Key, pair => pair.Value / norm);
        }).ToArray();
        var vectors = texts.Select(text => NGramText.Read(text)).Select(text => vocabulary.Vectorize(vocabulary.Index(text), 0, text.Tokens.Count)).ToArray();
        // The order of the n-grams is not defined: the products of all pairs of vectors are compared.
        for (int i = 0; i < texts.Length; i++)
        {
            for (int j = 0; j <= i; j++)
                Assert.Equal(expected[i].Sum(pair => pair.Value * expected[j].GetValueOrDefault(pair.Key)), Product(vectors[i], vectors[j]), 1e-5);
        }
    }

    [Fact]
    public void VectorOfAPart_IsThatOfItsWordsAlone()
    {
        var random = new Random(2);
        string[][] texts = [.. Enumerable.Range(0, 30).Select(_ => Enumerable.Range(0, 12).Select(_ => $"w{random.Next(5)}").ToArray())];
        foreach (bool characters in new[] { false, true })
        {
            NGramText Read(IEnumerable<string> words) => NGramText.Read(string.Join(' ', words), characters);
            var vocabulary = NGramVocabulary.Learn(texts.Select(Read), 1000);
            foreach (string[] words in texts)
            {
                int start = random.Next(12), end = random.Next(start, 13);
                var part = vocabulary.Vectorize(vocabulary.Index(Read(words)), start, end);
                var alone = vocabulary.Vectorize(vocabulary.Index(Read(words[start..end])), 0, end - start);
                Assert.Equal(alone.Indices, part.Indices);
                Assert.Equal(alone.Values, part.Values);
            }
        }
    }

    [Fact]
    public void Vocabulary_KeepsTheMostFrequent()
    {
        string[] texts = ["a b", "a c", "a b", "d c"];
        var vocabulary = NGramVocabulary.Learn(texts.Select(text => NGramText.Read(text)), 2);
        Assert.Equal(2, vocabulary.Count);
        var indexed = vocabulary.Index(NGramText.Read("a b c d"));
        Assert.True(indexed.Tokens[0] >= 0 && indexed.Tokens[3] < 0);
    }

    private static Dictionary<string, int> SlowGrams(string text)
    {
        string[] words = text.Split(' ');
        return words.Concat(words.Zip(words.Skip(1), (a, b) => $"{a} {b}")).GroupBy(gram => gram).ToDictionary(group => group.Key, group => group.Count());
    }

    private static double Product(SparseVector a, SparseVector b)
        => a.Indices.Select((index, i) => Array.IndexOf(b.Indices, index) is >= 0 and var j ? (double)a.Values[i] * b.Values[j] : 0).Sum();
}
