using Maha.Layers.Aggregation;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;

namespace Maha.Benchmarks.Block;

/// <summary>The blocks that measurements know by name.</summary>
internal static class BlockVariants
{
    /// <summary>Name -> what it changes in a block's options.</summary>
    public static readonly IReadOnlyDictionary<string, Func<MahaBlockOptions, MahaBlockOptions>> All = new Dictionary<string, Func<MahaBlockOptions, MahaBlockOptions>>
    {
        ["full"] = options => options with { Attention = AttentionKind.Full },
        ["hsa"] = options => options with { Attention = AttentionKind.Hsa },
        ["hsa-causal"] = options => options with { Attention = AttentionKind.HsaCausal },
        ["maha"] = options => options with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Convex },
        ["maha-causal"] = options => options with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Convex, IsCausal = true },
        ["maha-nash"] = options => options with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Nash },
        ["maha-mean"] = options => options with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Mean },
        ["maha-gated"] = options => options with { Attention = AttentionKind.Maha, Aggregation = AggregationKind.Gated },
        ["window"] = options => options with { Attention = AttentionKind.Window },
        ["reference"] = options => options with { Attention = AttentionKind.MahaReference, Aggregation = AggregationKind.Softmax },
    };

    public static MahaBlockOptions Options(string name, MahaBlockOptions shape) =>
        All.TryGetValue(name, out var change)
            ? change(shape)
            : throw new UsageException($"a variant must be one of {string.Join(", ", All.Keys)}, but is '{name}'.");
}
