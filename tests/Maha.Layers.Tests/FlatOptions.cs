using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;

namespace Maha.Layers.Tests;

/// <summary>Sets options of any attention and aggregation by name, for tests that run over several kinds.</summary>
internal static class FlatOptions
{
    /// <summary>
    /// Returns a copy with another attention, or with other options of the same one. Options that both attentions have are kept, as with ML.NET's flat options;
    /// an option that the attention does not have is dropped.
    /// </summary>
    public static T With<T>(
        this T options,
        AttentionKind? attention = null,
        AggregationKind? aggregation = null,
        int? window = null,
        int? globalTokens = null,
        int? numScales = null,
        int? compressionRatio = null,
        DecompositionKind? decomposition = null,
        int? branching = null,
        HierarchyKind? hierarchy = null,
        bool? overlap = null,
        WeightGranularity? granularity = null,
        double? redundancyPrice = null,
        double? costPrice = null,
        double? temperature = null,
        double? tolerance = null,
        int? maxIterations = null)
        where T : MahaBlockOptions
    {
        var changed = AttentionOptions.Create(attention ?? options.Attention.Kind);
        Copy(options.Attention, changed);
        if (changed is MultiscaleOptions scales)
        {
            var old = (options.Attention as MultiscaleOptions)?.Aggregation ?? new ConvexOptions();
            var mixed = AggregationOptions.Create(aggregation ?? old.Kind);
            Copy(old, mixed);
            Set(
                mixed,
                (nameof(granularity), granularity),
                (nameof(redundancyPrice), redundancyPrice),
                (nameof(costPrice), costPrice),
                (nameof(temperature), temperature),
                (nameof(tolerance), tolerance),
                (nameof(maxIterations), maxIterations));
            changed = scales with { Aggregation = mixed };
        }
        Set(
            changed,
            (nameof(window), window),
            (nameof(globalTokens), globalTokens),
            (nameof(numScales), numScales),
            (nameof(compressionRatio), compressionRatio),
            (nameof(decomposition), decomposition),
            (nameof(branching), branching),
            (nameof(hierarchy), hierarchy),
            (nameof(overlap), overlap));
        return options with { Attention = changed };
    }

    private static void Copy(object from, object to)
    {
        foreach (var option in OptionChecks.Of(to.GetType()))
        {
            if (OptionChecks.Of(from.GetType()).FirstOrDefault(own => own.Name == option.Name) is { } same)
                option.SetValue(to, same.GetValue(from));
        }
    }

    private static void Set(object record, params (string Name, object? Value)[] values)
    {
        foreach (var (name, value) in values)
        {
            if (value is null)
                continue;
            var definition = OptionChecks.Of(record.GetType()).FirstOrDefault(option => string.Equals(option.Name, name, StringComparison.OrdinalIgnoreCase));
            definition?.SetValue(record, value);
        }
    }
}
