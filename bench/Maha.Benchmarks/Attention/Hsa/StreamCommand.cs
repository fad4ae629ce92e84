using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Attention;

/// <summary>
/// <c>stream [--n N] [--d-model D] [--heads H] [--branching B] [--overlap] [--threads T]</c>: passes tokens through a causal hierarchical layer one by one;
/// the median time per token in each tenth of the stream, and the cache.
/// </summary>
internal static class StreamCommand
{
    private const int Parts = 10;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        int length = reader.Integer("--n", 1_000_000), threads = reader.Integer("--threads", 1);
        var hsa = new HsaCausalOptions { Branching = reader.Integer("--branching", 16), Overlap = reader.Flag("--overlap") };
        var options = new MahaBlockOptions
        {
            DModel = reader.Integer("--d-model", 256),
            NumHeads = reader.Integer("--heads", 4),
            Attention = hsa,
            Positions = PositionKind.Rotary,
            Dropout = 0,
        };
        reader.RefuseLeft();
        if (length < Parts)
            throw new UsageException($"--n must be at least {Parts}, but is {length}.");
        options.Validate();
        set_num_threads(threads);
        using var mixer = new HsaMixer(options);
        using var token = randn([1, 1, options.DModel]);
        using var state = mixer.StartDecoding();
        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine($"# {length} tokens, d_model {options.DModel}, heads {options.NumHeads}, branching {hsa.Branching}, overlap {hsa.Overlap}");
        Console.WriteLine($"{"tokens",10} {"us/token",9} {"cache_kb_per_head",18}");
        double first = 0, last = 0;
        for (int part = 0; part < Parts; part++)
        {
            last = Median(mixer, token, state, length / Parts);
            first = part == 0 ? last : first;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{state.Position,10} {last,9:F2} {state.CacheBytes / 1024.0 / options.NumHeads,18:F1}"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"last / first tenth {last / first:F2}"));
        return ExitCode.Success;
    }

    // The median over slices of a hundred tokens: other programs on the machine delay some of them.
    private static double Median(HsaMixer mixer, Tensor token, DecoderState state, int count)
    {
        const int slice = 100;
        var times = new List<double>();
        for (int done = 0; done < count; done += slice)
        {
            int tokens = Math.Min(slice, count - done);
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < tokens; i++)
                mixer.Decode(token, state).Dispose();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / tokens);
        }
        times.Sort();
        return times[times.Count / 2];
    }
}
