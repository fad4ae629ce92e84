using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace Maha.MLNet.AutoML;

/// <summary>What an experiment searches over for a text model, a classifier or an encoder. A member that is null stays as the estimator's options have it.</summary>
/// <remarks>
/// A search space is a dictionary: take a member out with <c>Remove</c>, fix or widen it by setting its entry, for instance
/// <c>space["DModel"] = new ChoiceOption(64, 128)</c>. An entry that names no member of this class has no effect.
/// </remarks>
public sealed class MahaSearchOptions
{
    /// <summary>The time of a trial up to which <see cref="Space"/> stays with small models.</summary>
    private static readonly TimeSpan s_short = TimeSpan.FromMinutes(2);

    /// <summary>See <see cref="MahaEstimatorOptions.Attention"/>.</summary>
    /// <value>Searched: Hsa, Maha, Window, Full; the first is tried first.</value>
    public AttentionKind? Attention { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Hierarchy"/>.</summary>
    /// <value>Searched: Blocks, Document. Matters where <see cref="Attention"/> is Hsa.</value>
    public HierarchyKind? Hierarchy { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Aggregation"/>.</summary>
    /// <value>Searched: Convex, Nash, Gated, Mean. Matters where <see cref="Attention"/> is Maha.</value>
    public AggregationKind? Aggregation { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.DModel"/>.</summary>
    /// <value>Searched: 32 to 128, for long trials to 256; begins with 64. Always divisible by the heads that are searched.</value>
    public int? DModel { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumHeads"/>.</summary>
    /// <value>Searched: 2, 4, 8.</value>
    public int? NumHeads { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumLayers"/>.</summary>
    /// <value>Searched: 1 to 2, for long trials to 4; begins with 1.</value>
    public int? NumLayers { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumScales"/>. Without this entry the length decides.</summary>
    /// <value>Searched: 1 to 5; begins with 3. Matters where <see cref="Attention"/> is Maha.</value>
    public int? NumScales { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Window"/>.</summary>
    /// <value>Searched: 32, 64, 128. Matters where <see cref="Attention"/> is Maha or Window.</value>
    public int? Window { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.MaxSequenceLength"/>.</summary>
    /// <value>Searched: 128 to 1,024, for long trials to 4,096; begins with 256.</value>
    public int? MaxSequenceLength { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumberOfEpochs"/>.</summary>
    /// <value>Searched: 2 to 10, for long trials to 20, on a logarithmic scale; begins with 4.</value>
    public int? NumberOfEpochs { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.LearningRate"/>.</summary>
    /// <value>Searched: 0.0003 to 0.01 on a logarithmic scale; begins with 0.002.</value>
    public double? LearningRate { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Dropout"/>.</summary>
    /// <value>Searched: 0 to 0.3; begins with 0.1.</value>
    public double? Dropout { get; set; }

    /// <summary>The search space of all members. Tuners begin with its defaults, which are cheap.</summary>
    /// <param name="trialTime">How long a trial may train: short trials search among small models and short texts, which are the only ones that learn anything in it. Null: long.</param>
    /// <returns>A new space, to be changed at will.</returns>
    public static SearchSpace<MahaSearchOptions> Space(TimeSpan? trialTime = null)
    {
        bool small = trialTime <= s_short;
        return new SearchSpace<MahaSearchOptions>
        {
            { nameof(Attention), new ChoiceOption(AttentionKind.Hsa, AttentionKind.Maha, AttentionKind.Window, AttentionKind.Full) },
            { nameof(Hierarchy), new ChoiceOption(HierarchyKind.Blocks, HierarchyKind.Document) },
            { nameof(Aggregation), new ChoiceOption(AggregationKind.Convex, AggregationKind.Nash, AggregationKind.Gated, AggregationKind.Mean) },
            { nameof(DModel), small ? new ChoiceOption([32, 64, 128], 64) : new ChoiceOption([32, 64, 128, 256], 64) },
            { nameof(NumHeads), new ChoiceOption([2, 4, 8], 4) },
            { nameof(NumLayers), new UniformIntOption(1, small ? 2 : 4, defaultValue: 1) },
            { nameof(NumScales), new UniformIntOption(1, 5, defaultValue: 3) },
            { nameof(Window), new ChoiceOption([32, 64, 128], 64) },
            { nameof(MaxSequenceLength), small ? new ChoiceOption([128, 256, 512, 1024], 256) : new ChoiceOption([256, 512, 1024, 2048, 4096], 256) },
            { nameof(NumberOfEpochs), new UniformIntOption(2, small ? 10 : 20, logBase: true, defaultValue: 4) },
            { nameof(LearningRate), new UniformDoubleOption(3e-4, 1e-2, logBase: true, defaultValue: 2e-3) },
            { nameof(Dropout), new UniformDoubleOption(0, 0.3, defaultValue: 0.1) },
        };
    }

    /// <summary>The space of an encoder, which learns from texts without labels: fewer epochs and smaller rates.</summary>
    internal static SearchSpace<MahaSearchOptions> EncodingSpace(MahaTextEncodingEstimator.Options options)
    {
        var space = Space(options.MaxTrainingTime);
        space[nameof(NumberOfEpochs)] = new UniformIntOption(1, 6, logBase: true, defaultValue: 2);
        space[nameof(LearningRate)] = new UniformDoubleOption(1e-4, 3e-3, logBase: true, defaultValue: 1e-3);
        return options.PretrainedModel is null ? space : OfPretrained(space, options.Freeze ? [] : [nameof(NumberOfEpochs), nameof(LearningRate), nameof(Dropout)]);
    }

    /// <summary>The space of a classifier. A pretrained one wants about a quarter of the learning rate.</summary>
    internal static SearchSpace<MahaSearchOptions> ClassificationSpace(MahaClassifierOptions options)
    {
        var space = Space(options.MaxTrainingTime);
        if (options.PretrainedModel is null)
            return space;
        space[nameof(LearningRate)] = new UniformDoubleOption(5e-5, 3e-3, logBase: true, defaultValue: 5e-4);
        return OfPretrained(space, [nameof(NumberOfEpochs), nameof(LearningRate), nameof(Dropout)]);
    }

    // The architecture is the file's; the length is not part of it.
    private static SearchSpace<MahaSearchOptions> OfPretrained(SearchSpace<MahaSearchOptions> space, string[] learned)
    {
        foreach (string member in space.Keys.Except([nameof(MaxSequenceLength), .. learned]).ToList())
            space.Remove(member);
        return space;
    }

    /// <summary>Options with the searched members.</summary>
    /// <param name="options">The rest; not written to.</param>
    internal TOptions On<TOptions>(TOptions options) where TOptions : MahaEstimatorOptions
    {
        var merged = (TOptions)options.Copy();
        // The attention first: a trial sets no option that its attention does not have.
        merged.Attention = Attention ?? merged.Attention;
        foreach (var searched in OptionChecks.Of(typeof(MahaSearchOptions)))
        {
            if (searched.GetValue(this) is { } value && merged.Uses(searched.Name))
                typeof(MahaEstimatorOptions).GetProperty(searched.Name)!.SetValue(merged, value);
        }
        return merged;
    }
}
