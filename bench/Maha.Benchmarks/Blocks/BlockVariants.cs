using Maha.Layers.Attention;


namespace Maha.Benchmarks.Blocks;

/// <summary>The blocks that can be measured, by name.</summary>
internal static class BlockVariants
{
    /// <summary>The name of <see cref="FusedBlock"/>, which is not a Maha block.</summary>
    public const string Fused = "sdpa";

    /// <summary>The names, and how each changes a block's options.</summary>
    public static readonly IReadOnlyDictionary<string, Func<MahaBlockOptions, MahaBlockOptions>> All =
        new Dictionary<string, Func<MahaBlockOptions, MahaBlockOptions>>
        {
            ["full"] = options => options with { Attention = new FullOptions() },
            ["hsa"] = options => options with { Attention = new HsaOptions() },
            ["hsa-causal"] = options => options with { Attention = new HsaCausalOptions() },
            ["maha"] = options => options with { Attention = new MahaOptions() },
            ["maha-residual"] = options => options with { Attention = new MahaOptions { LocalResidual = true } },
            ["maha-causal"] = options => options with { Attention = new MahaOptions(), IsCausal = true },
            ["maha-nash"] = options => options with { Attention = new MahaOptions { Aggregation = new NashOptions() } },
            ["maha-mean"] = options => options with { Attention = new MahaOptions { Aggregation = AggregationOptions.Create(AggregationKind.Mean) } },
            ["maha-gated"] = options => options with { Attention = new MahaOptions { Aggregation = AggregationOptions.Create(AggregationKind.Gated) } },
            ["window"] = options => options with { Attention = new WindowOptions() },
            ["reference"] = options => options with { Attention = new MahaReferenceOptions { Aggregation = AggregationOptions.Create(AggregationKind.Softmax) } },
        };

    /// <summary>Refuses unknown names and impossible sizes.</summary>
    public static void Check(string name, MahaBlockOptions shape)
    {
        if (name != Fused)
            Options(name, shape).Validate();
        else if (shape.DModel % shape.NumHeads != 0)
            throw new UsageException($"--d-model must be divisible by --heads, but {shape.DModel} % {shape.NumHeads} = {shape.DModel % shape.NumHeads}.");
    }

    public static MahaBlockOptions Options(string name, MahaBlockOptions shape) =>
        All.TryGetValue(name, out var change)
            ? change(shape)
            : throw new UsageException($"a variant must be one of {string.Join(", ", All.Keys)} (or, for block, {Fused}), but is '{name}'.");
}
