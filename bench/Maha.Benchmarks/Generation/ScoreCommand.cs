using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.LanguageModel;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Generation;

/// <summary>
/// <c>score</c>: the time to score a text of n, 2n and 4n kilobytes with an untrained language model (the time does not depend on the weights), beside that
/// of its contexts read one at a time, which the scores must equal; and how soon a cancellation ends it.
/// </summary>
internal static class ScoreCommand
{
    public const string Arguments = "[--kb N] [--doublings N] [--variants V...] [--d-model D] [--layers L] [--heads H] [--vocab V] [--context N] [--threads T]";

    // Of a token. Sums of float32 differ with the number of rows.
    private const double MaxDifference = 1e-4;

    // Twice the text in twice the time, within the noise of a shared machine.
    private const double MaxRatio = 3;

    private const double CancelAfterSeconds = 0.2;

    // Shorter times are those of the first calls and of other programs.
    private const double MinSecondsOfRatio = 0.5;

    private static readonly string[] s_syllables = ["the", "an", "ro", "mi", "st", "el", "qua", "den", "lo", "ing", "us", "ver", "pa", "ch", "or", "is"];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        int kilobytes = reader.Integer("--kb", 256), doublings = reader.Integer("--doublings", 2);
        var kinds = reader.Texts("--variants", ["hsa-causal"]);
        int width = reader.Integer("--d-model", 128), heads = reader.Integer("--heads", 4),
            layers = reader.Integer("--layers", 2), vocabulary = reader.Integer("--vocab", 8192);
        int context = reader.Integer("--context", 1024), threads = reader.Integer("--threads", 1);
        reader.RefuseLeft();
        if (kinds.FirstOrDefault(kind => !PerplexitySettings.Variants.ContainsKey(kind)) is { } unknown)
            throw new UsageException($"--variants must be among {string.Join(", ", PerplexitySettings.Variants.Keys)}, but one is '{unknown}'.");
        set_num_threads(threads);
        using (zeros(1))
            EnvironmentHeader.Print(Console.Out);
        var tokenizer = ByteLevelBpeTokenizer.Train([Text(1 << 20)], new ByteLevelBpeTokenizerOptions { VocabSize = vocabulary, NumThreads = 1 });
        Console.WriteLine($"# D {width}, L {layers}, H {heads}, V {tokenizer.VocabSize}, contexts of {context} tokens");
        Console.WriteLine($"{"variant",-12}{"kb",8}{"tokens",10}{"seconds",10}{"ratio",8}{"one_by_one",12}{"difference",12}");
        bool isGood = true;
        foreach (string kind in kinds)
        {
            using var model = ComparedModels.Build(PerplexitySettings.Variants[kind] with
            {
                VocabSize = tokenizer.VocabSize,
                MaxSequenceLength = context,
                DModel = width,
                NumHeads = heads,
                NumLayers = layers,
                Dropout = 0,
            }, seed: 1);
            model.eval();
            isGood &= Measure(kind, model, tokenizer, context, kilobytes, doublings);
            isGood &= Cancel(kind, model, tokenizer, kilobytes << doublings);
        }
        return isGood ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool Measure(string kind, MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer, int context, int kilobytes, int doublings)
    {
        var scorer = new TextScorer(model, tokenizer);
        scorer.Score(Text(4 << 10));
        bool isGood = true;
        double before = 0;
        for (int i = 0; i <= doublings; i++)
        {
            string text = Text(kilobytes << (10 + i));
            long started = Stopwatch.GetTimestamp();
            var score = scorer.Score(text);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            started = Stopwatch.GetTimestamp();
            double expected = OneByOne(model, tokenizer.Encode(text), context);
            double oneByOne = Stopwatch.GetElapsedTime(started).TotalSeconds;
            double difference = Math.Abs(score.LogLikelihood - expected) / score.NumTokens, ratio = before == 0 ? 0 : seconds / before;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{kind,-12}{kilobytes << i,8}{score.NumTokens,10}{seconds,10:F2}{ratio,8:F2}{oneByOne,12:F2}{difference,12:E1}"));
            isGood &= difference <= MaxDifference && (ratio <= MaxRatio || before < MinSecondsOfRatio);
            before = seconds;
        }
        return isGood;
    }

    private static bool Cancel(string kind, MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer, int kilobytes)
    {
        // Long enough that it can't end before.
        string text = Text(Math.Max(kilobytes, 8 << 10) << 10);
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(CancelAfterSeconds));
        long started = Stopwatch.GetTimestamp();
        try
        {
            new TextScorer(model, tokenizer).Score(text, source.Token);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{kind,-12}canceled after {CancelAfterSeconds} s, ended after {Stopwatch.GetElapsedTime(started).TotalSeconds:F2} s"));
            return true;
        }
        Console.WriteLine($"{kind,-12}not canceled");
        return false;
    }

    // The contexts overlap by half, and each is read alone.
    private static double OneByOne(MahaLanguageModel model, int[] ids, int context)
    {
        long[] stream = [ByteLevelBpeTokenizer.EosTokenId, .. ids.Select(id => (long)id)];
        double sum = 0;
        for (int start = 0, done = 0; done < ids.Length; start += context / 2)
        {
            using var scope = NewDisposeScope();
            int end = Math.Min(start + context, stream.Length);
            double[] values = model.LogLikelihoods(tensor(stream[start..end], [1, end - start]), null).data<double>().ToArray();
            sum += values[(done - start)..].Sum();
            done = end - 1;
        }
        return sum;
    }

    private static string Text(int length)
    {
        var random = new Random(1);
        var text = new System.Text.StringBuilder(length + 32);
        while (text.Length < length)
        {
            // Words of one to three syllables, some far more frequent than others.
            for (int i = random.Next(1, 4); i > 0; i--)
                text.Append(s_syllables[(int)(s_syllables.Length * random.NextDouble() * random.NextDouble())]);
            text.Append(random.Next(12) == 0 ? ".\n" : " ");
        }
        return text.ToString(0, length);
    }
}
