using Maha.Layers.Attention;
using Maha.Layers.Core;

namespace Maha.MLNet;

/// <content>The options of attention: which were set, and which have an effect.</content>
public abstract partial class MahaEstimatorOptions
{
    /// <summary>Checks the options of every attention, also of those that are not chosen.</summary>
    /// <exception cref="ArgumentException">One is outside its range or unknown.</exception>
    internal void ValidateAttentions()
    {
        foreach (var attention in Attentions)
            OptionChecks.Validate(attention);
    }

    /// <summary>Whether an option has an effect: those of other attentions than the chosen one have none.</summary>
    internal bool Uses(string option) =>
        Has(ChosenAttention, option) || !Enum.GetValues<AttentionKind>().Any(kind => Has(AttentionOptions.Create(kind), option));

    /// <summary>The options that were set and have no effect.</summary>
    internal IReadOnlyList<string> UnusedOptions() => [.. Attentions.SelectMany(ChangedOptions).Distinct().Where(option => !Uses(option))];

    /// <summary>The options of attention that were set, for a model that has no attention of its own.</summary>
    internal IReadOnlyList<string> ChangedAttentionOptions() =>
        [.. Attention == AttentionKind.Hsa ? Array.Empty<string>() : [nameof(Attention)], .. Attentions.SelectMany(ChangedOptions).Distinct()];

    // The attentions that have options here.
    private AttentionOptions[] Attentions => [_hsa, new HsaCausalOptions(_hsa), _maha with { Aggregation = AggregationOptions.Create(Aggregation) }, _window];

    private AttentionOptions ChosenAttention => Attentions.FirstOrDefault(attention => attention.Kind == Attention) ?? AttentionOptions.Create(Attention);

    private static bool Has(AttentionOptions attention, string option) => OptionChecks.Of(attention.GetType()).Any(own => own.Name == option);

    private static IEnumerable<string> ChangedOptions(AttentionOptions options)
    {
        var defaults = options is MahaOptions ? ModelDefaults.Maha : AttentionOptions.Create(options.Kind);
        return OptionChecks.Of(options.GetType()).Where(option => !Equals(option.GetValue(options), option.GetValue(defaults))).Select(option => option.Name);
    }
}
