using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

public class TokenizerThreadingTests
{
    [Fact]
    public void Training_DoesNotDependOnThreadsOrderOrCuts()
    {
        List<string> texts = [.. HostileText.Samples(300), .. TokenizerSamples.Texts];
        // One text large enough to be cut into pieces, and several rounds of the others.
        texts.Add(string.Concat(Enumerable.Range(0, 6000).Select(i => $"line {i % 97} of the long text, with words like word{i % 13}\n")));
        byte[] expected = Train(texts, 1);
        Assert.Equal(expected, Train(texts, 3));
        Assert.Equal(expected, Train(texts, 8));
        Assert.Equal(expected, Train(Enumerable.Reverse(texts), 2));
        var options = new ByteLevelBpeTokenizerOptions { VocabSize = 700, NumThreads = 2 };
        Assert.Equal(expected, TokenizerSamples.Save(ByteLevelBpeTokenizer.Train(texts.Select(t => t.AsMemory()), options)));
    }

    [Fact]
    public void Training_CutsALongTextBetweenWords()
    {
        // Each paragraph ends in one word of two newlines: if a cut separated them, the count of the pair would be one too small.
        const int Paragraphs = 20_000;
        string text = string.Concat(Enumerable.Repeat("a paragraph of the text, with words\n\n", Paragraphs));
        var tokenizer = ByteLevelBpeTokenizer.Train(
            [text], new ByteLevelBpeTokenizerOptions { MinFrequency = Paragraphs, NumThreads = 2 });
        Assert.Single(tokenizer.Encode("\n\n"));
        Assert.Equal(262, ByteLevelBpeTokenizer.Train([text], new ByteLevelBpeTokenizerOptions { MinFrequency = 4 * Paragraphs }).VocabSize);
    }

    [Fact]
    public void Training_ReadsTextsAsAStream()
    {
        // 30 million characters in 3,000 texts, each created on demand; only a few may be alive at once.
        int alive = 0;
        int most = 0;
        IEnumerable<string> Texts()
        {
            var texts = new List<WeakReference>();
            for (int i = 0; i < 3000; i++)
            {
                texts.Add(MakeText(i, out string text));
                yield return text;
                if (i % 500 == 499)
                {
                    text = "";
                    GC.Collect();
                    alive = texts.Count(t => t.IsAlive);
                    most = Math.Max(most, alive);
                }
            }
        }

        ByteLevelBpeTokenizer.Train(Texts(), new ByteLevelBpeTokenizerOptions { NumThreads = 1 });
        Assert.InRange(most, 1, 400);
    }

    [Fact]
    public void EncodeBatch_KeepsTheOrderForAnyNumberOfThreads()
    {
        List<string> texts = [.. Enumerable.Range(0, 9_000).Select(i => $"text {i} the thing"), "", new string('x', 600_000), "last"];
        int[][] expected = [.. texts.Select(TokenizerSamples.Small.Encode)];
        foreach (int threads in (int[])[0, 1, 5])
        {
            int[][] ids = [.. TokenizerSamples.Small.EncodeBatch(texts, threads)];
            Assert.Equal(expected.Select(i => i.Length), ids.Select(i => i.Length));
            Assert.True(expected.Zip(ids).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)));
        }
    }

    [Fact]
    public void EncodeBatch_ReadsOnlyALittleAhead()
    {
        int read = 0;
        IEnumerable<string> Endless()
        {
            while (true)
            {
                read++;
                yield return "the thing";
            }
        }

        Assert.Equal(3, TokenizerSamples.Small.EncodeBatch(Endless(), numThreads: 2).Take(3).Count());
        Assert.InRange(read, 3, 10_000);
    }

    [Fact]
    public void OneTokenizer_ServesManyThreads_WithMoreWordsThanTheCacheHolds()
    {
        var shared = TokenizerSamples.Load(TokenizerSamples.Save(TokenizerSamples.Small));
        string[] texts = [.. Enumerable.Range(0, 64)
            .Select(i => string.Concat(Enumerable.Range(0, 2500).Select(j => $" the{(char)('a' + j % 26)}{Letters(i * 2500 + j)}")))];
        int[][] expected = [.. texts.Select(TokenizerSamples.Small.Encode)];
        Parallel.For(0, 256, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
            Assert.True(expected[i % 64].AsSpan().SequenceEqual(shared.Encode(texts[i % 64]))));
    }

    [Fact]
    public void Cancelling_StopsTrainingAndEncoding()
    {
        using var source = new CancellationTokenSource();
        IEnumerable<string> Texts()
        {
            for (int i = 0; ; i++)
            {
                if (i == 3)
                {
                    source.Cancel();
                }

                yield return new string('a', 2_000_000);
            }
        }

        Assert.ThrowsAny<OperationCanceledException>(() => ByteLevelBpeTokenizer.Train(Texts(), cancellationToken: source.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => TokenizerSamples.Small.EncodeBatch(Texts(), 2, source.Token).Count());
    }

    [Fact]
    public void Cancelling_StopsTheMerges()
    {
        using var source = new CancellationTokenSource();
        var progress = new Reports(p =>
        {
            if (p.NumMerges == 0)
            {
                source.Cancel();
            }
        });
        Assert.ThrowsAny<OperationCanceledException>(() => ByteLevelBpeTokenizer.Train(TokenizerSamples.Texts, null, progress, source.Token));
    }

    [Fact]
    public void Progress_CountsTextsCharactersAndMerges()
    {
        var reports = new List<TokenizerTrainingProgress>();
        var tokenizer = ByteLevelBpeTokenizer.Train(
            TokenizerSamples.Texts, new ByteLevelBpeTokenizerOptions { VocabSize = 300 }, new Reports(reports.Add));
        Assert.Equal(new TokenizerTrainingProgress(4, TokenizerSamples.Texts.Sum(t => t.Length), 0, 38), reports[0]);
        Assert.Equal(tokenizer.VocabSize - 262, reports[^1].NumMerges);
    }

    [Fact]
    public void ExceptionOfTheTexts_ReachesTheCaller()
    {
        static IEnumerable<string> Texts()
        {
            yield return "a";
            throw new IOException("disk");
        }

        Assert.Throws<IOException>(() => ByteLevelBpeTokenizer.Train(Texts()));
    }

    private static byte[] Train(IEnumerable<string> texts, int threads) => TokenizerSamples.Save(
        ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = 700, NumThreads = threads }));

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference MakeText(int seed, out string text)
    {
        text = new string((char)('a' + seed % 26), 10_000);
        return new WeakReference(text);
    }

    private static string Letters(int number)
    {
        string letters = "";
        for (; number > 0; number /= 26)
        {
            letters += (char)('a' + number % 26);
        }

        return letters;
    }

    private sealed class Reports(Action<TokenizerTrainingProgress> report) : IProgress<TokenizerTrainingProgress>
    {
        public void Report(TokenizerTrainingProgress value) => report(value);
    }
}
