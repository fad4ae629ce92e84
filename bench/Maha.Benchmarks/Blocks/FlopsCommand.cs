using System.Globalization;
using System.Text.Json;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;

namespace Maha.Benchmarks.Blocks;

/// <summary>
/// <c>flops [--n N...] [--variants V...] [--d-model D] [--heads H] [--json]</c>: floating-point operations of one block's forward pass, by component.
/// </summary>
internal static class FlopsCommand
{
    private static readonly int[] s_defaultLengths = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var lengths = reader.Integers("--n", s_defaultLengths);
        var variants = reader.Texts("--variants", [.. BlockVariants.All.Keys]);
        var shape = new MahaBlockOptions { DModel = reader.Integer("--d-model", 768), NumHeads = reader.Integer("--heads", 12) };
        bool json = reader.Flag("--json");
        reader.RefuseLeft();

        var rows = new List<(string Variant, int Length, BlockFlops Flops)>();
        foreach (int length in lengths)
        {
            // The number of scales is that of a model for this length.
            foreach (string variant in variants)
                rows.Add((variant, length, BlockFlops.Of(BlockVariants.Options(variant, shape with { MaxSequenceLength = length }), length)));
        }
        if (json)
        {
            foreach (var (variant, length, flops) in rows)
            {
                Console.WriteLine(JsonSerializer.Serialize(new
                {
                    variant,
                    n = length,
                    attention = flops.Attention,
                    projections = flops.Projections,
                    convolutions = flops.Convolutions,
                    aggregation = flops.Aggregation,
                    feed_forward = flops.FeedForward,
                    total = flops.Total,
                }));
            }
            return ExitCode.Success;
        }

        Console.WriteLine($"# GFLOP of one block's forward pass for one document, multiply-add = 2; d_model {shape.DModel}, heads {shape.NumHeads}, "
            + $"window {new MahaOptions().Window}; % of full's in brackets");
        Console.WriteLine($"{"variant",-12} {"n",7} {"attention",21} {"projections",12} {"convolutions",12} {"aggregation",12} "
            + $"{"feed_forward",12} {"total",21} {"attention/token",16}");
        foreach (var (variant, length, flops) in rows)
        {
            var full = BlockFlops.Of(BlockVariants.Options("full", shape), length);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{variant,-12} {length,7} {Share(flops.Attention, full.Attention),21} {Giga(flops.Projections),12} {Giga(flops.Convolutions),12} "
                    + $"{Giga(flops.Aggregation),12} {Giga(flops.FeedForward),12} {Share(flops.Total, full.Total),21} {flops.Attention / length,16}"));
        }
        return ExitCode.Success;
    }

    private static string Giga(long flops) => (flops / 1e9).ToString("F3", CultureInfo.InvariantCulture);

    private static string Share(long flops, long of) => string.Create(CultureInfo.InvariantCulture, $"{flops / 1e9:F3} ({100.0 * flops / of:F1}%)");
}
