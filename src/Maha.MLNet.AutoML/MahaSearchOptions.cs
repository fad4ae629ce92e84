using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
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

    /// <summary>
    /// Whether a trial starts from the <c>PretrainedModel</c> of the estimator's options. False starts from random weights instead. What the options say of the
    /// architecture (<see cref="MahaEstimatorOptions.DModel"/>, <see cref="MahaEstimatorOptions.NumHeads"/>, <see cref="MahaEstimatorOptions.NumLayers"/>,
    /// <see cref="MahaEstimatorOptions.FeedForwardDim"/>, <see cref="MahaEstimatorOptions.VocabSize"/>, <see cref="MahaEstimatorOptions.Positions"/>) applies
    /// to trials from random weights: true leaves it to the pretrained model.
    /// </summary>
    /// <value>Searched where the options name a pretrained model: False, True; begins with False, which is cheaper.</value>
    public bool? Pretrained { get; set; }

    /// <summary>See <see cref="MahaSupervisedOptions.DocumentLayers"/>. Applies to trials from an encoder that reads windows of the document.</summary>
    /// <value>
    /// Searched where the options name such an encoder, by a package or a path in BERT layout: 0 to 2; begins with 0. The options of the attention then
    /// apply if there is a layer.
    /// </value>
    public int? DocumentLayers { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Attention"/>. With a pretrained model it is that of the <see cref="DocumentLayers"/>.</summary>
    /// <value>Searched: Hsa, Maha, Window, Full; begins with Hsa.</value>
    public AttentionKind? Attention { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Hierarchy"/>.</summary>
    /// <value>Searched: Blocks, Document. For Hsa.</value>
    public HierarchyKind? Hierarchy { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Aggregation"/>.</summary>
    /// <value>Searched: Convex, Nash, Gated, Mean. For Maha.</value>
    public AggregationKind? Aggregation { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.DModel"/>. Applies to trials from random weights.</summary>
    /// <value>Searched: 32 to 128, for long trials to 256; begins with 64. Divisible by every number of heads that is searched.</value>
    public int? DModel { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumHeads"/>. Applies to trials from random weights.</summary>
    /// <value>Searched: 2, 4, 8.</value>
    public int? NumHeads { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.NumLayers"/>. Applies to trials from random weights.</summary>
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

    /// <summary>
    /// See <see cref="MahaEstimatorOptions.NumberOfEpochs"/>. Does not apply to trials from an encoder that reads windows of the document, whose number of
    /// epochs follows from the time of the trial.
    /// </summary>
    /// <value>Searched: 2 to 10, for long trials to 20, on a logarithmic scale; begins with 4.</value>
    public int? NumberOfEpochs { get; set; }

    /// <summary>
    /// See <see cref="MahaEstimatorOptions.LearningRate"/>. Applies to trials from a pretrained model only if <see cref="PretrainedLearningRate"/> is null.
    /// </summary>
    /// <value>Searched: 0.0003 to 0.01 on a logarithmic scale; begins with 0.002.</value>
    public double? LearningRate { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.LearningRate"/>. Applies to trials from a pretrained model.</summary>
    /// <value>
    /// Searched where the options name a pretrained model: 0.00005 to 0.003 on a logarithmic scale; begins with 0.001 for an encoder that reads windows, and
    /// with 0.0005 for a saved Maha model.
    /// </value>
    public double? PretrainedLearningRate { get; set; }

    /// <summary>See <see cref="MahaEstimatorOptions.Dropout"/>.</summary>
    /// <value>Searched: 0 to 0.3; begins with 0.1.</value>
    public double? Dropout { get; set; }

    /// <summary>Creates the search space. Tuners begin with its defaults, which are fast to train.</summary>
    /// <param name="trialTime">
    /// The time limit of a trial. Up to two minutes, the space has small models and short texts only, since no others learn anything in that time. Null: no
    /// limit.
    /// </param>
    /// <param name="pretrainedModel">
    /// The pretrained model of the options: the space then also has <see cref="Pretrained"/> and <see cref="PretrainedLearningRate"/>, and
    /// <see cref="DocumentLayers"/> for an encoder that reads windows. Null: none.
    /// </param>
    /// <returns>A new search space, which you may change.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="trialTime"/> is not above 0.</exception>
    public static SearchSpace<MahaSearchOptions> Space(TimeSpan? trialTime = null, PretrainedSource? pretrainedModel = null)
    {
        if (trialTime <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(trialTime), trialTime, $"trialTime must be above 0, but is {trialTime}. Leave it out for no limit.");
        bool small = trialTime <= s_short;
        var space = new SearchSpace<MahaSearchOptions>
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
        if (pretrainedModel is null)
            return space;
        space[nameof(Pretrained)] = new ChoiceOption(false, true);
        space[nameof(PretrainedLearningRate)] = new UniformDoubleOption(
            5e-5, 3e-3, logBase: true, defaultValue: ReadsWindows(pretrainedModel) ? 1e-3 : 5e-4);
        if (ReadsWindows(pretrainedModel))
            space[nameof(DocumentLayers)] = new UniformIntOption(0, 2, defaultValue: 0);
        return space;
    }

    /// <summary>Creates the search space of an encoder, which is trained without labels: fewer epochs and smaller learning rates.</summary>
    internal static SearchSpace<MahaSearchOptions> EncodingSpace(MahaTextEncodingEstimator.Options options)
    {
        var space = Space(options.MaxTrainingTime);
        space[nameof(NumberOfEpochs)] = new UniformIntOption(1, 6, logBase: true, defaultValue: 2);
        space[nameof(LearningRate)] = new UniformDoubleOption(1e-4, 3e-3, logBase: true, defaultValue: 1e-3);
        if (options.PretrainedModel is null)
            return space;
        // Frozen weights are not trained, nor are those of an encoder that reads windows.
        bool isTrained = !options.Freeze && !ReadsWindows(options.PretrainedModel);
        return WithoutArchitecture(space, isTrained ? [nameof(NumberOfEpochs), nameof(LearningRate), nameof(Dropout)] : []);
    }

    /// <summary>Creates the search space of a classifier.</summary>
    internal static SearchSpace<MahaSearchOptions> ClassificationSpace(MahaSupervisedOptions options) =>
        Space(options.MaxTrainingTime, options.PretrainedModel);

    // A pretrained model keeps its architecture. The length is not part of it.
    private static SearchSpace<MahaSearchOptions> WithoutArchitecture(SearchSpace<MahaSearchOptions> space, string[] trainingOptions)
    {
        foreach (string member in space.Keys.Except([nameof(MaxSequenceLength), .. trainingOptions]).ToList())
            space.Remove(member);
        return space;
    }

    /// <summary>Returns a copy of options with the searched members.</summary>
    /// <param name="options">The other options. They are not changed.</param>
    /// <param name="trialTime">The time limit of the trial, which a shorter one of the options replaces; null for none.</param>
    /// <exception cref="ArgumentException"><see cref="Pretrained"/> is true, but the options name no pretrained model.</exception>
    internal TOptions ApplyTo<TOptions>(TOptions options, TimeSpan? trialTime = null) where TOptions : MahaEstimatorOptions
    {
        var merged = (TOptions)options.Copy();
        if (trialTime is { } limit && !(merged.MaxTrainingTime <= limit))
            merged.MaxTrainingTime = limit;
        var pretrained = ChoosePretrained(merged);
        bool readsWindows = pretrained is not null && ReadsWindows(pretrained);
        // The attention first, since a trial sets only options that its attention has.
        if (Applies(nameof(Attention), pretrained, readsWindows, merged))
            merged.Attention = Attention ?? merged.Attention;
        foreach (var searched in OptionChecks.Of(typeof(MahaSearchOptions)))
        {
            if (searched.GetValue(this) is { } value && Applies(searched.Name, pretrained, readsWindows, merged))
                typeof(TOptions).GetProperty(Target(searched.Name))!.SetValue(merged, value);
        }
        return merged;
    }

    // The name of the option that a member sets.
    private static string Target(string member) => member == nameof(PretrainedLearningRate) ? nameof(LearningRate) : member;

    /// <summary>Switches the pretrained model of options off where the trial starts from random weights.</summary>
    /// <returns>The pretrained model of the trial; null for none.</returns>
    private PretrainedSource? ChoosePretrained(MahaEstimatorOptions options)
    {
        var source = (options as MahaSupervisedOptions)?.PretrainedModel ?? (options as MahaTextEncodingEstimator.Options)?.PretrainedModel;
        if (Pretrained is not { } starts)
            return source;
        if (!starts)
        {
            if (options is MahaSupervisedOptions classifier)
                (classifier.PretrainedModel, classifier.DocumentLayers) = (null, 0);
            else if (options is MahaTextEncodingEstimator.Options encoder)
                (encoder.PretrainedModel, encoder.Freeze) = (null, false);
            return null;
        }
        if (source is null)
        {
            throw new ArgumentException(
                $"{nameof(Pretrained)} must not be true where the options have no PretrainedModel. Set PretrainedModel, or remove {nameof(Pretrained)} from "
                + "the search space.");
        }
        var defaults = (MahaEstimatorOptions)Activator.CreateInstance(options.GetType())!;
        (options.DModel, options.NumHeads, options.NumLayers) = (defaults.DModel, defaults.NumHeads, defaults.NumLayers);
        (options.FeedForwardDim, options.VocabSize, options.Positions) = (defaults.FeedForwardDim, defaults.VocabSize, defaults.Positions);
        return source;
    }

    /// <summary>Returns whether a member has an effect in a trial.</summary>
    private bool Applies(string member, PretrainedSource? pretrained, bool readsWindows, MahaEstimatorOptions options)
    {
        bool isClassifier = options is MahaSupervisedOptions;
        int documentLayers = DocumentLayers ?? (options as MahaSupervisedOptions)?.DocumentLayers ?? 0;
        return member switch
        {
            nameof(Pretrained) => false,
            nameof(PretrainedLearningRate) => pretrained is not null && (isClassifier || !readsWindows),
            // An encoder without labels that reads windows is used as it is.
            nameof(LearningRate) => pretrained is null || (PretrainedLearningRate is null && (isClassifier || !readsWindows)),
            nameof(Dropout) => isClassifier || !readsWindows,
            nameof(DocumentLayers) => readsWindows && isClassifier,
            nameof(NumberOfEpochs) => !readsWindows,
            nameof(MaxSequenceLength) => true,
            nameof(DModel) or nameof(NumHeads) or nameof(NumLayers) => pretrained is null,
            // The rest belongs to an attention: that of the network, or of the blocks that follow an encoder of windows.
            _ => (pretrained is null || (readsWindows && documentLayers > 0)) && options.Uses(member),
        };
    }

    // A package of weights, or a path that holds no Maha model.
    private static bool ReadsWindows(PretrainedSource source) => source.Path is not { } path || PretrainedStart.IsBert(path);
}
