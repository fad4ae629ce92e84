using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Trees;


namespace Maha.Benchmarks.Training;

/// <summary>The classifiers that are compared, which differ in their attention only.</summary>
internal static class AblationVariants
{
    public static readonly string[] Names = ["maha-convex", "maha-nash", "maha-gated", "maha-mean", "window", "full", "hsa-document", "hsa-blocks"];

    /// <summary>The options of a variant.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="shape">The options that all variants share.</param>
    /// <param name="tokenizer">The tokenizer, which knows the tokens that end sentences and paragraphs.</param>
    public static MahaTransformerOptions CreateOptions(string name, MahaTransformerOptions shape, ByteLevelBpeTokenizer tokenizer) => name switch
    {
        "maha-convex" => shape with { Attention = new MahaOptions() },
        "maha-nash" => shape with { Attention = new MahaOptions { Aggregation = new NashOptions() } },
        "maha-gated" => shape with { Attention = new MahaOptions { Aggregation = AggregationOptions.Create(AggregationKind.Gated) } },
        "maha-mean" => shape with { Attention = new MahaOptions { Aggregation = AggregationOptions.Create(AggregationKind.Mean) } },
        "window" => shape with { Attention = new WindowOptions() },
        "full" => shape with { Attention = new FullOptions() },
        "hsa-document" => shape with { Attention = new HsaOptions { Hierarchy = HierarchyKind.Document }, TokenParts = TokenParts.FromTokenizer(tokenizer) },
        "hsa-blocks" => shape with { Attention = new HsaOptions() },
        _ => throw new UsageException($"--variants takes {string.Join(", ", Names)}, but got '{name}'."),
    };
}
