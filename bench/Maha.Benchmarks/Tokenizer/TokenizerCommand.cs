using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Tokenization;

namespace Maha.Benchmarks.Tokenizer;

/// <summary>
/// <c>tokenizer [--mb N] [--vocab N] [--threads N] [--file F...]</c>: trains a tokenizer on N MB of text and times training,
/// encoding (one thread, with an empty and with a filled word cache; all threads) and decoding.
/// </summary>
internal static class TokenizerCommand
{
    private const string Usage = "usage: tokenizer [--mb N] [--vocab N] [--threads N] [--file F...]";

    public static int Run(string[] args)
    {
        int mb = 30;
        int vocabSize = 8192;
        int threads = Environment.ProcessorCount;
        var files = new List<string>();
        for (int i = 0; i < args.Length; i++)
        {
            bool isNumber = i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out int _);
            int number = isNumber ? int.Parse(args[i + 1], CultureInfo.InvariantCulture) : 0;
            switch (args[i])
            {
                case "--mb" when number > 0: mb = number; i++; break;
                case "--vocab" when number > 0: vocabSize = number; i++; break;
                case "--threads" when number > 0: threads = number; i++; break;
                case "--file" when i + 1 < args.Length:
                    while (i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal))
                    {
                        files.Add(args[++i]);
                    }

                    break;
                default:
                    Console.Error.WriteLine($"unknown or incomplete option '{args[i]}'. {Usage}");
                    return 2;
            }
        }

        Measure(BenchmarkText.Read(files, mb * 1_000_000L), vocabSize, threads);
        return 0;
    }

    private static void Measure(BenchmarkText text, int vocabSize, int threads)
    {
        var options = new ByteLevelBpeTokenizerOptions { VocabSize = vocabSize, NumThreads = threads };
        Print($"text={text.Source} documents={text.Documents.Count} mb={text.NumBytes / 1e6:F1} vocab={vocabSize} threads={threads}");
        CompileCode(text);

        var watch = Stopwatch.StartNew();
        ByteLevelBpeTokenizer trained = ByteLevelBpeTokenizer.Train(text.Documents, options);
        Print($"train_seconds={watch.Elapsed.TotalSeconds:F2} vocab_size={trained.VocabSize}");

        // A loaded tokenizer starts with an empty cache.
        using var file = new MemoryStream();
        trained.Save(file);
        file.Position = 0;
        ByteLevelBpeTokenizer tokenizer = ByteLevelBpeTokenizer.Load(file);

        int[][] ids = [];
        Print($"encode_cold_mb_per_s={Speed(text, () => ids = [.. text.Documents.Select(tokenizer.Encode)]):F1} (one thread)");
        Print($"encode_warm_mb_per_s={Speed(text, () => ids = [.. text.Documents.Select(tokenizer.Encode)]):F1} (one thread)");
        Print($"count_warm_mb_per_s={Speed(text, () => text.Documents.Sum(d => (long)tokenizer.CountTokens(d))):F1} (one thread)");
        Print($"encode_batch_mb_per_s={Speed(text, () => ids = [.. tokenizer.EncodeBatch(text.Documents, threads)]):F1} ({threads} threads)");

        string[] decoded = [];
        Print($"decode_mb_per_s={Speed(text, () => decoded = [.. ids.Select(d => tokenizer.Decode(d))]):F1} (one thread)");
        if (!decoded.SequenceEqual(text.Documents))
        {
            throw new InvalidOperationException("Decoding must give back every text, but it didn't.");
        }

        Print($"bytes_per_token={text.NumBytes / (double)ids.Sum(d => (long)d.Length):F3} file_bytes={file.Length}");
    }

    /// <summary>Runs everything on a little text, so that no figure holds the time of the just-in-time compiler.</summary>
    private static void CompileCode(BenchmarkText text)
    {
        var options = new ByteLevelBpeTokenizerOptions { VocabSize = 1000 };
        string[] sample = [.. text.Documents.Take(20)];
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < 1;)
        {
            ByteLevelBpeTokenizer tokenizer = ByteLevelBpeTokenizer.Train(sample, options);
            foreach (int[] ids in tokenizer.EncodeBatch(sample))
            {
                tokenizer.Decode(ids);
            }
        }
    }

    private static double Speed(BenchmarkText text, Action action)
    {
        GC.Collect();
        var watch = Stopwatch.StartNew();
        action();
        return text.NumBytes / 1e6 / watch.Elapsed.TotalSeconds;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
