using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Maha.Layers.Text;

namespace Maha.Benchmarks.Text;

/// <summary>
/// <c>tokenizer [--mb N] [--vocab N] [--threads N] [--file F...]</c>: trains a tokenizer on N MB of text and times training,
/// encoding (one thread, with an empty and with a filled word cache; all threads) and decoding. Each figure is the best of
/// a few rounds, since other programs only slow it down.
/// </summary>
internal static class TokenizerCommand
{
    private const int Rounds = 3;

    // The tokenizer's limits: encoding with an empty cache on one core, and training time at 30 MB.
    private const double MinMbPerSecond = 10;
    private const double MaxTrainSecondsPerMb = 2;

    public static int Run(string[] args)
    {
        int mb = 30;
        int vocabSize = 8192;
        int threads = Environment.ProcessorCount;
        var files = new List<string>();
        for (int i = 0; i < args.Length; i++)
        {
            bool isNumber = int.TryParse(args.ElementAtOrDefault(i + 1), CultureInfo.InvariantCulture, out int number) && number > 0;
            switch (args[i])
            {
                case "--mb" when isNumber: mb = number; i++; break;
                case "--vocab" when isNumber: vocabSize = number; i++; break;
                case "--threads" when isNumber: threads = number; i++; break;
                case "--file" when i + 1 < args.Length:
                    while (i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal))
                    {
                        files.Add(args[++i]);
                    }

                    break;
                default:
                    throw new UsageException($"'{args[i]}' is not understood or lacks a positive number. "
                        + "Usage: tokenizer [--mb N] [--vocab N] [--threads N] [--file F...].");
            }
        }

        if (files.FirstOrDefault(f => !File.Exists(f)) is { } missing)
        {
            throw new UsageException($"there is no file '{missing}'.");
        }

        return Measure(BenchmarkText.Read(files, mb * 1_000_000L), new ByteLevelBpeTokenizerOptions { VocabSize = vocabSize, NumThreads = threads });
    }

    private static int Measure(BenchmarkText text, ByteLevelBpeTokenizerOptions options)
    {
        try
        {
            options.Validate();
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }

        Print($"# {RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} processors; best of {Rounds} rounds");
        Print($"text={text.Source} documents={text.Documents.Count} mb={text.NumBytes / 1e6:F1} vocab={options.VocabSize} threads={options.NumThreads}");
        CompileCode(text);

        ByteLevelBpeTokenizer trained = null!;
        double trainSeconds = BestSeconds(() => { }, () => trained = ByteLevelBpeTokenizer.Train(text.Documents, options));
        Print($"train_seconds={trainSeconds:F2} vocab_size={trained.VocabSize}");

        // A loaded tokenizer starts with an empty cache.
        using var file = new MemoryStream();
        trained.Save(file);
        var tokenizer = trained;
        void LoadAgain()
        {
            file.Position = 0;
            tokenizer = ByteLevelBpeTokenizer.Load(file);
        }

        int[][] ids = [];
        double mb = text.NumBytes / 1e6;
        double cold = mb / BestSeconds(LoadAgain, () => ids = [.. text.Documents.Select(tokenizer.Encode)]);
        double warm = mb / BestSeconds(() => { }, () => ids = [.. text.Documents.Select(tokenizer.Encode)]);
        double count = mb / BestSeconds(() => { }, () => text.Documents.Sum(d => (long)tokenizer.CountTokens(d)));
        double batch = mb / BestSeconds(LoadAgain, () => ids = [.. tokenizer.EncodeBatch(text.Documents, options.NumThreads)]);
        Print($"encode_cold_mb_per_s={cold:F1} encode_warm_mb_per_s={warm:F1} count_warm_mb_per_s={count:F1} (one thread)");
        Print($"encode_batch_cold_mb_per_s={batch:F1} ({options.NumThreads} threads)");

        string[] decoded = [];
        Print($"decode_mb_per_s={mb / BestSeconds(() => { }, () => decoded = [.. ids.Select(d => tokenizer.Decode(d))]):F1} (one thread)");
        bool isLossless = decoded.SequenceEqual(text.Documents);
        Print($"bytes_per_token={text.NumBytes / (double)ids.Sum(d => (long)d.Length):F3} file_bytes={file.Length} lossless={isLossless}");

        bool holds = isLossless && cold >= MinMbPerSecond && trainSeconds <= MaxTrainSecondsPerMb * mb;
        Print($"holds={holds} (lossless, cold encoding at least {MinMbPerSecond} MB/s on one core, training at most {MaxTrainSecondsPerMb} s a MB)");
        return holds ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>Runs everything on a little text, so that no figure includes the just-in-time compiler.</summary>
    private static void CompileCode(BenchmarkText text)
    {
        var options = new ByteLevelBpeTokenizerOptions { VocabSize = 1000 };
        string[] sample = [.. text.Documents.Take(20).Select(d => d[..Math.Min(d.Length, 50_000)])];
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < 1;)
        {
            var tokenizer = ByteLevelBpeTokenizer.Train(sample, options);
            foreach (int[] ids in tokenizer.EncodeBatch(sample))
            {
                tokenizer.Decode(ids);
            }
        }
    }

    private static double BestSeconds(Action prepare, Action measured)
    {
        double best = double.PositiveInfinity;
        for (int round = 0; round < Rounds; round++)
        {
            prepare();
            GC.Collect();
            var watch = Stopwatch.StartNew();
            measured();
            best = Math.Min(best, watch.Elapsed.TotalSeconds);
        }

        return best;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
