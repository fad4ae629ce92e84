using Maha.MLNet;
using Microsoft.ML.Tokenizers;
using Xunit.Abstractions;

namespace Maha.Pretrained.Tests;

public sealed class MiniLMTests(MiniLM model, ITestOutputHelper output) : IClassFixture<MiniLM>
{
    private const double OnnxTolerance = 1e-4;

    private static readonly string[] s_words =
        ["sea", "over", "hill", "train", "late", "music", "green", "market", "the", "of", "doctor", "slowly", "won", "game", "with", "river", "old", "paints", "a"];

    private static readonly string[] s_texts =
    [
        "a man is eating food", "someone eats a meal", "the stock market fell", "The quick brown fox jumps over the lazy dog.", "Stocks fell $5 (3%) on Monday!",
        "caf\u00E9, na\u00EFve and r\u00E9sum\u00E9", "E = mc^2; a < b + c", "line one\nline two\n\nline three", "\u4E2D\u6587\u5B57", "x", "",
        "antidisestablishmentarianism and pneumonoultramicroscopicsilicovolcanoconiosis", "[CLS] is not a special token in a text [SEP]",
        "How do I list the files of a directory?", "ls lists information about files, by default those of the current directory.",
        .. Enumerable.Range(1, 12).Select(i => string.Join(' ', Enumerable.Range(0, 8 * i).Select(j => s_words[(i * 7 + j * j * 3 + j) % s_words.Length])) + "."),
    ];

    [Fact]
    public void TokenStates_AreThoseOfOnnxRuntime()
    {
        int[][] texts = [.. s_texts.Select(model.Read)];
        float[][] expected = model.ReferenceStates(texts);
        float[][] states = model.States(model.Encoder, texts);
        double difference = expected.Zip(states).Max(pair => pair.First.Zip(pair.Second).Max(values => Math.Abs((double)values.First - values.Second)));
        output.WriteLine($"largest difference {difference:g3} over {states.Sum(values => values.Length)} values");
        Assert.InRange(difference, 0, OnnxTolerance);
        // What is compared is not all zero.
        Assert.InRange(expected.Max(values => values.Max()), 0.5, 100);
    }

    [Fact]
    public void LongestText_HasTheStatesOfOnnxRuntime()
    {
        int[][] texts = [model.Read(string.Join(' ', Enumerable.Repeat(s_texts[3], 60)))];
        Assert.Equal(512, texts[0].Length);
        var pairs = model.ReferenceStates(texts)[0].Zip(model.States(model.Encoder, texts)[0]);
        Assert.InRange(pairs.Max(pair => Math.Abs((double)pair.First - pair.Second)), 0, OnnxTolerance);
    }

    [Fact]
    public void PackagedVectors_AreThoseOfFloat32()
    {
        int[][] texts = [.. s_texts.Select(model.Read)];
        float[][] exact = model.States(model.Encoder, texts);
        float[][] packaged = model.States(model.PackagedEncoder, texts);
        double[] cosines = [.. texts.Select((ids, i) => MiniLM.Cosine(MiniLM.Mean(exact[i], ids.Length), MiniLM.Mean(packaged[i], ids.Length)))];
        output.WriteLine($"smallest cosine {cosines.Min():f8} of {cosines.Length}");
        Assert.InRange(cosines.Min(), 0.9999, 1.0000001);
        // float16 rounds: the weights of the package are not those of the file.
        Assert.NotEqual(exact[0], packaged[0]);
    }

    [Fact]
    public void Sentences_AreAsSimilarAsOnnxRuntimeSays()
    {
        int[][] texts = [.. s_texts.Take(3).Select(model.Read)];
        foreach (float[][] states in new[] { model.ReferenceStates(texts), model.States(model.Encoder, texts), model.States(model.PackagedEncoder, texts) })
        {
            double[][] vectors = [.. states.Zip(texts, (values, ids) => MiniLM.Mean(values, ids.Length))];
            Assert.Equal(0.7500, MiniLM.Cosine(vectors[0], vectors[1]), 0.0005);
            Assert.Equal(-0.0324, MiniLM.Cosine(vectors[0], vectors[2]), 0.0005);
            Assert.Equal(-0.0559, MiniLM.Cosine(vectors[1], vectors[2]), 0.0005);
        }
    }

    [Fact]
    public void Package_HasTheModelsSettings()
    {
        Assert.Equal("all-MiniLM-L6-v2", MahaPretrained.MiniLM.Name);
        Assert.Same(MahaPretrained.MiniLM, MahaPretrained.MiniLM);
        Assert.Null(MahaPretrained.MiniLM.Path);
        foreach (var checkpoint in new[] { model.Checkpoint, model.Packaged })
        {
            Assert.Equal(12, checkpoint.NumHeads);
            Assert.Equal(1e-12, checkpoint.NormEpsilon);
            Assert.Equal(30522, checkpoint.Tokenizer.VocabSize);
            Assert.True(checkpoint.Tokenizer.LowerCase);
            var tokenizer = checkpoint.Tokenizer;
            Assert.Equal((101, 102, 0, 100), (tokenizer.ClsTokenId, tokenizer.SepTokenId, tokenizer.PadTokenId, tokenizer.UnknownTokenId));
            // 5 of the embeddings and 16 per layer; neither pooler nor positions.
            Assert.Equal(5 + 6 * 16, checkpoint.Tensors.Count);
        }
    }

    [Fact]
    public void Ids_AreThoseOfBertTokenizer_OnEnglish()
    {
        using var vocabulary = new MemoryStream(model.Vocabulary);
        var reference = BertTokenizer.Create(vocabulary);
        var tokenizer = model.Packaged.Tokenizer;
        foreach (string text in s_texts.Where(text => text.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or ',' or '.' or '?' or '!' or '-' or '\'')))
            Assert.Equal(reference.EncodeToIds(text, addSpecialTokens: false), tokenizer.Encode(text));
        Assert.Equal([1037, 2158, 2003, 5983, 2833], tokenizer.Encode("a man is eating food"));
    }

    [Fact]
    public void Tokenizer_AllocatesLittleWhereWordsRepeat()
    {
        string text = string.Join('\n', s_texts.Skip(3).Take(1).Concat(s_texts[^12..]));
        var tokenizer = model.Packaged.Tokenizer;
        int tokens = tokenizer.Encode(text).Length;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 10; round++)
            Assert.Equal(tokens, tokenizer.Encode(text).Length);
        double bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / 10.0 / tokens;
        output.WriteLine($"{bytes:f1} bytes per token");
        // The ids themselves, and the list that they are collected in. Words that are not found in the cache take several times as much.
        Assert.InRange(bytes, 0, 20);
    }
}
