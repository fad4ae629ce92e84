using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace Maha.MLNet.AutoML;

/// <summary>The options of a classifier or an encoder that an experiment searches. A member that is null keeps the value of the estimator's options.</summary>
/// <remarks>
/// <para>The searched values are chosen by hand, in <see cref="Space"/>. They are narrower than the values that the estimators accept: every point is valid and
/// can be trained in the time of a trial.</para>
/// <para>A search space is a dictionary: <c>Remove</c> takes a member out, and an entry that you set replaces its range, for instance
/// <c>space["DModel"] = new ChoiceOption(64, 128)</c>. An entry that names no member of this class has no effect.</para>
/// </remarks>
public sealed class MahaSearchOptions
{
    /// <summary>The longest trial time for which <see cref="Space"/> has small models only.</summary>
    private static readonly TimeSpan s_short = TimeSpan.FromMinutes(2);

    /// <summary>See <see cref="MahaEstimatorOptions.Attention"/>.</summary>
    /// <value>Searched: Hsa, Maha, Window, Full; begins with Hsa.</value>
    public AttentionKind? Attention { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Hierarchy"/>.</summary>
    /// <value>Searched: Blocks, Document. For Hsa.</value>
    public HierarchyKind? Hierarchy { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Aggregation"/>.</summary>
    /// <value>Searched: Convex, Nash, Gated, Mean. For Maha.</value>
    public AggregationKind? Aggregation { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.DModel"/>.</summary>
    /// <value>Searched: 32 to 128, for long trials to 256; begins with 64. Divisible by every number of heads that is searched.</value>
    public int? DModel { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumHeads"/>.</summary>
    /// <value>Searched: 2, 4, 8.</value>
    public int? NumHeads { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumLayers"/>.</summary>
    /// <value>Searched: 1 to 2, for long trials to 4; begins with 1.</value>
    public int? NumLayers { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumScales"/>. Without this entry the number follows from the length.</summary>
    /// <value>Searched: 1 to 5; begins with 3. For Maha.</value>
    public int? NumScales { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Window"/>.</summary>
    /// <value>Searched: 32, 64, 128; begins with 64. For Maha and Window.</value>
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

    /// <summary>Creates the search space of all members. Tuners begin with its defaults, which are fast to train.</summary>
    /// <param name="trialTime">
    /// The time limit of a trial. Up to two minutes, the space has small models and short texts only, since no others learn anything in that time. Null: no
    /// limit.
    /// </param>
    /// <returns>A new search space, which you may change.</returns>
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

    /// <summary>Creates the search space of an encoder, which is trained without labels: fewer epochs and smaller learning rates.</summary>
    internal static SearchSpace<MahaSearchOptions> EncodingSpace(MahaTextEncodingEstimator.Options options)
    {
        var space = Space(options.MaxTrainingTime);
        space[nameof(NumberOfEpochs)] = new UniformIntOption(1, 6, logBase: true, defaultValue: 2);
        space[nameof(LearningRate)] = new UniformDoubleOption(1e-4, 3e-3, logBase: true, defaultValue: 1e-3);
        if (options.PretrainedModel is null)
            return space;
        return WithoutArchitecture(space, options.Freeze ? [] : [nameof(NumberOfEpochs), nameof(LearningRate), nameof(Dropout)]);
    }

    /// <summary>Creates the search space of a classifier. A pretrained one needs about a quarter of the learning rate.</summary>
    internal static SearchSpace<MahaSearchOptions> ClassificationSpace(MahaClassifierOptions options)
    {
        var space = Space(options.MaxTrainingTime);
        if (options.PretrainedModel is null)
            return space;
        space[nameof(LearningRate)] = new UniformDoubleOption(5e-5, 3e-3, logBase: true, defaultValue: 5e-4);
        return WithoutArchitecture(space, [nameof(NumberOfEpochs), nameof(LearningRate), nameof(Dropout)]);
    }

    // A pretrained model keeps its architecture. The length is not part of it.
    private static SearchSpace<MahaSearchOptions> WithoutArchitecture(SearchSpace<MahaSearchOptions> space, string[] trainingOptions)
    {
        foreach (string member in space.Keys.Except([nameof(MaxSequenceLength), .. trainingOptions]).ToList())
            space.Remove(member);
        return space;
    }

    /// <summary>Returns a copy of options with the searched members.</summary>
    /// <param name="options">The other options. They are not changed.</param>
    internal TOptions ApplyTo<TOptions>(TOptions options) where TOptions : MahaEstimatorOptions
    {
        var merged = (TOptions)options.Copy();
        // The attention first, since a trial sets only options that its attention has.
        merged.Attention = Attention ?? merged.Attention;
        foreach (var searched in OptionChecks.Of(typeof(MahaSearchOptions)))
        {
            if (searched.GetValue(this) is { } value && merged.Uses(searched.Name))
                typeof(MahaEstimatorOptions).GetProperty(searched.Name)!.SetValue(merged, value);
        }
        return merged;
    }
}
