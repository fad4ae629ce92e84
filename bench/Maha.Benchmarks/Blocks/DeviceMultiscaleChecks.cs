using Maha.Layers.Attention;
using Maha.Layers.Core;

namespace Maha.Benchmarks.Blocks;

/// <summary>Multiscale attention on the CUDA device against the processor: the options of the aggregation, and random problems of its parts.</summary>
internal static class DeviceMultiscaleChecks
{
    private static readonly MahaBlockOptions s_shape = new() { DModel = 64, NumHeads = 2, MaxSequenceLength = 1024, Dropout = 0 };

    /// <summary>The blocks to check.</summary>
    public static IReadOnlyList<(string Name, MahaBlockOptions Options)> Kinds { get; } =
    [
        .. Both("Maha 9 scales", s_shape, new MahaOptions { Window = 16, NumScales = 9 }),
        .. Both("Maha ratio 3", s_shape, new MahaOptions { Window = 16, CompressionRatio = 3 }),
        .. Both("Maha one scale", s_shape, new MahaOptions { NumScales = 1 }),
        .. Both("Maha local residual", s_shape, new MahaOptions { Window = 16, LocalResidual = true }),
        .. Both("Maha rotary", s_shape with { Positions = PositionKind.Rotary }, new MahaOptions { Window = 64 }),
        .. Both("Maha Softmax", s_shape, Aggregated(AggregationOptions.Create(AggregationKind.Softmax))),
        .. Both("Maha Nash price", s_shape, Aggregated(new NashOptions { CostPrice = 0.5 })),
        .. Both("Maha Convex input-free", s_shape, Aggregated(new ConvexOptions { Granularity = WeightGranularity.InputFree })),
        .. Both("Maha Convex price", s_shape, Aggregated(new ConvexOptions { CostPrice = 0.5, RedundancyPrice = 2, Temperature = 0.5 })),
        .. Both("Maha Convex linear", s_shape, Aggregated(new ConvexOptions { UtilityForm = UtilityForm.Linear, WeightFloor = 0 })),
        .. Both("Maha Convex rho 100", s_shape, Aggregated(new ConvexOptions { RedundancyPrice = 100 })),
        ("Maha Convex document", s_shape with { Attention = Aggregated(new ConvexOptions { Granularity = WeightGranularity.Document }) }),
        ("Maha recomputed", s_shape with { RecomputeBlocks = true, Attention = Aggregated(new ConvexOptions()) }),
    ];

    /// <summary>Checks that many random problems of each part.</summary>
    public static void Run(DeviceReport report, int count)
    {
        DeviceConvolutionChecks.Run(report, count);
        DeviceAggregationChecks.Run(report, count);
    }

    private static MahaOptions Aggregated(AggregationOptions aggregation) => new() { Window = 64, NumScales = 4, Aggregation = aggregation };

    private static (string, MahaBlockOptions)[] Both(string name, MahaBlockOptions shape, MahaOptions attention)
    {
        var options = shape with { Attention = attention };
        return [(name, options), ($"{name} causal", options with { IsCausal = true })];
    }
}
