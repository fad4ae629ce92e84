using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.LanguageModel;
using Maha.Layers.Attention;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Generation;

/// <summary>
/// <c>generate</c>: the time per token after a short and after a long prompt, of untrained models (the time does not depend on the weights). Slices of the
/// two alternate, so that other programs slow both alike.
/// </summary>
internal static class GenerateCommand
{
    // Tokens of a slice; the median is over slices.
    private const int Slice = 16;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var prompts = reader.Integers("--prompts", [500, 50_000]);
        var kinds = reader.Texts("--variants", ["maha", "hsa-causal", "window"]);
        int width = reader.Integer("--d-model", 128), heads = reader.Integer("--heads", 4),
            layers = reader.Integer("--layers", 4), vocabulary = reader.Integer("--vocab", 4096);
        int context = reader.Integer("--context", 8192), tokens = reader.Integer("--tokens", 512), threads = reader.Integer("--threads", 1);
        reader.RefuseLeft();
        if (kinds.FirstOrDefault(kind => !PerplexitySettings.Variants.ContainsKey(kind)) is { } unknown)
            throw new UsageException($"--variants must be among {string.Join(", ", PerplexitySettings.Variants.Keys)}, but one is '{unknown}'.");
        set_num_threads(threads);
        using (zeros(1))
            EnvironmentHeader.Print(Console.Out);
        Console.WriteLine($"# D {width}, L {layers}, H {heads}, V {vocabulary}, scales for {context} tokens, {tokens} tokens behind each prompt");
        Console.WriteLine($"{"variant",-12}{"prompt",10}{"prompt_s",10}{"ms/token",10}{"cache_mb",10}{"ratio",8}");
        foreach (string kind in kinds)
        {
            using var model = ComparedModels.Build(PerplexitySettings.Variants[kind] with
            {
                VocabSize = vocabulary,
                MaxSequenceLength = context,
                DModel = width,
                NumHeads = heads,
                NumLayers = layers,
                Dropout = 0,
            }, seed: 1);
            Measure(kind, model, prompts, tokens, vocabulary);
        }
        return ExitCode.Success;
    }

    private static void Measure(string kind, MahaLanguageModel model, IReadOnlyList<int> prompts, int tokens, int vocabulary)
    {
        var states = prompts.Select(_ => model.StartDecoding()).ToArray();
        double[] taken = new double[prompts.Count];
        for (int i = 0; i < prompts.Count; i++)
        {
            using var ids = randint(vocabulary, [1, prompts[i]], int64);
            long start = Stopwatch.GetTimestamp();
            for (long from = 0; from < prompts[i]; from += 4096)
            {
                using var piece = ids.narrow(1, from, Math.Min(4096, prompts[i] - from));
                model.Decode(piece, states[i]).Dispose();
            }
            taken[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        var times = prompts.Select(_ => new List<double>()).ToArray();
        for (int done = 0; done < tokens; done += Slice)
        {
            for (int i = 0; i < prompts.Count; i++)
                times[i].Add(Time(model, states[i], vocabulary));
        }
        double first = Median(times[0]);
        for (int i = 0; i < prompts.Count; i++)
        {
            double median = Median(times[i]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{kind,-12}{prompts[i],10}{taken[i],10:F2}{median,10:F3}{states[i].CacheBytes / 1048576.0,10:F2}{median / first,8:F2}"));
            states[i].Dispose();
        }
    }

    private static double Time(MahaLanguageModel model, DecoderState state, int vocabulary)
    {
        using var ids = randint(vocabulary, [Slice, 1, 1], int64);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Slice; i++)
        {
            using var next = ids[i];
            model.Decode(next, state).Dispose();
        }
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / Slice;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
