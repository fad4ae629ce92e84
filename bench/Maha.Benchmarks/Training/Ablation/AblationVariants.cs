using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Trees;

namespace Maha.Benchmarks.Training;

/// <summary>The classifiers that are compared, which differ in their attention only.</summary>
internal static class AblationVariants
{
    public static readonly string[] Names =
    [
        "maha-convex", "maha-convex-document", "maha-convex-input-free", "maha-convex-no-floor", "maha-convex-linear", "maha-convex-linear-floor", "maha-nash",
        "maha-gated", "maha-mean", "maha-convex-residual", "maha-nash-residual", "maha-gated-residual", "maha-mean-residual", "window", "full", "hsa-document",
        "hsa-blocks",
    ];

    /// <summary>The options of a variant.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="shape">The options that all variants share.</param>
    /// <param name="tokenizer">The tokenizer, which knows the tokens that end sentences and paragraphs.</param>
    /// <param name="window">The window of multiscale and of windowed attention.</param>
    public static MahaTransformerOptions CreateOptions(string name, MahaTransformerOptions shape, ByteLevelBpeTokenizer tokenizer, int window) => name switch
    {
        "maha-convex" => Multiscale(shape, window, new ConvexOptions()),
        "maha-convex-document" => Multiscale(shape, window, new ConvexOptions { Granularity = WeightGranularity.Document }),
        "maha-convex-input-free" => Multiscale(shape, window, new ConvexOptions { Granularity = WeightGranularity.InputFree }),
        "maha-convex-no-floor" => Multiscale(shape, window, new ConvexOptions { WeightFloor = 0 }),
        "maha-convex-linear" => Multiscale(shape, window, new ConvexOptions { UtilityForm = UtilityForm.Linear, WeightFloor = 0 }),
        "maha-convex-linear-floor" => Multiscale(shape, window, new ConvexOptions { UtilityForm = UtilityForm.Linear }),
        "maha-nash" => Multiscale(shape, window, new NashOptions()),
        "maha-gated" => Multiscale(shape, window, AggregationOptions.Create(AggregationKind.Gated)),
        "maha-mean" => Multiscale(shape, window, AggregationOptions.Create(AggregationKind.Mean)),
        "maha-convex-residual" => Multiscale(shape, window, new ConvexOptions(), localResidual: true),
        "maha-nash-residual" => Multiscale(shape, window, new NashOptions(), localResidual: true),
        "maha-gated-residual" => Multiscale(shape, window, AggregationOptions.Create(AggregationKind.Gated), localResidual: true),
        "maha-mean-residual" => Multiscale(shape, window, AggregationOptions.Create(AggregationKind.Mean), localResidual: true),
        "window" => shape with { Attention = new WindowOptions { Window = window } },
        "full" => shape with { Attention = new FullOptions() },
        "hsa-document" => shape with { Attention = new HsaOptions { Hierarchy = HierarchyKind.Document }, TokenParts = TokenParts.FromTokenizer(tokenizer) },
        "hsa-blocks" => shape with { Attention = new HsaOptions() },
        _ => throw new UsageException($"--variants takes {string.Join(", ", Names)}, but got '{name}'."),
    };

    private static MahaTransformerOptions Multiscale(MahaTransformerOptions shape, int window, AggregationOptions aggregation, bool localResidual = false) =>
        shape with { Attention = new MahaOptions { Window = window, Aggregation = aggregation, LocalResidual = localResidual } };
}
