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
        "maha-convex" => shape with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Convex },
        "maha-nash" => shape with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Nash },
        "maha-gated" => shape with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Gated },
        "maha-mean" => shape with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Mean },
        "window" => shape with { Attention = AttentionKind.Window },
        "full" => shape with { Attention = AttentionKind.Full },
        "hsa-document" => shape with { Attention = AttentionKind.Hsa, Hierarchy = HierarchyKind.Document, TokenParts = TokenParts.Of(tokenizer) },
        "hsa-blocks" => shape with { Attention = AttentionKind.Hsa, Hierarchy = HierarchyKind.Blocks },
        _ => throw new UsageException($"--variants takes {string.Join(", ", Names)}, but got '{name}'."),
    };
}
