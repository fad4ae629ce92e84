using System.Reflection;
using Maha.Layers.Attention;
using Maha.TestData;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Misuse;

/// <summary>Every option of every estimator, at its bounds and beyond. A new option must get a row in the table.</summary>
public sealed class OptionMisuseTests
{
    private const double Infinity = double.PositiveInfinity;

    // The bounds of each number: the least and the greatest value that is valid.
    private static readonly Dictionary<string, (double Least, double Most)> s_numbers = new()
    {
        ["VocabSize"] = (262, 1 << 20),
        ["MaxSequenceLength"] = (1, 1 << 24),
        ["Branching"] = (2, 1024),
        ["DModel"] = (1, 1 << 16),
        ["NumHeads"] = (1, 16),
        ["NumLayers"] = (1, 1000),
        ["FeedForwardDim"] = (1, 1 << 20),
        ["NumScales"] = (1, 12),
        ["CompressionRatio"] = (2, 64),
        ["Window"] = (1, 1 << 20),
        ["Dropout"] = (0, Math.BitDecrement(1)),
        ["NumberOfEpochs"] = (1, int.MaxValue),
        ["LearningRate"] = (double.Epsilon, double.MaxValue),
        ["WarmupFraction"] = (0, 1),
        ["WeightDecay"] = (0, double.MaxValue),
        ["MaxGradientNorm"] = (double.Epsilon, Infinity),
        ["TokensPerBatch"] = (1, 1 << 30),
        ["GradientAccumulation"] = (1, 1 << 20),
        ["ValidationFraction"] = (0, Math.BitDecrement(1)),
        ["EarlyStoppingPatience"] = (1, int.MaxValue),
        ["Seed"] = (int.MinValue, int.MaxValue),
        ["LabelSmoothing"] = (0, Math.BitDecrement(1)),
        ["MinDocumentsPerStep"] = (1, 1 << 20),
        ["SegmentLossWeight"] = (0, Math.BitDecrement(1)),
        ["DocumentLayers"] = (0, 100),
        ["NumberOfTopLabels"] = (0, int.MaxValue),
        ["SpectralDim"] = (0, 4096),
        ["NumPairBuckets"] = (0, 1 << 24),
        ["BeginningTokens"] = (0, int.MaxValue),
        ["ContextualWeight"] = (0, 1000),
        ["MaskedTokenWeight"] = (0, double.MaxValue),
        ["ContrastiveWeight"] = (0, double.MaxValue),
        // Where masked tokens are predicted, some must be masked.
        ["MaskFraction"] = (double.Epsilon, Math.BitDecrement(1)),
        ["ViewLength"] = (2, 1 << 24),
        ["Temperature"] = (double.Epsilon, double.MaxValue),
        ["ChunksPerDocument"] = (1, int.MaxValue),
        ["ContextGrowthFraction"] = (0, 1),
    };

    // Whose greatest value takes long to train, though it ends: a minute on two cores for the last one.
    private static readonly HashSet<string> s_costly = ["NumLayers", "FeedForwardDim", "NumPairBuckets"];

    private static readonly Dictionary<string, (TimeSpan Least, TimeSpan Most)> s_times = new()
    {
        ["MaxTrainingTime"] = (TimeSpan.FromTicks(1), TimeSpan.FromDays(24)),
        ["CheckpointInterval"] = (TimeSpan.Zero, TimeSpan.MaxValue),
    };

    [Fact]
    public void EveryOption_IsOfAKindThatIsTested()
    {
        var properties = EstimatorKind.All.SelectMany(OptionsOf).ToList();
        Assert.Equal(s_numbers.Keys.Order(), properties.Where(option => IsNumber(option.PropertyType)).Select(option => option.Name).Distinct().Order());
        Assert.Equal(s_times.Keys.Order(), properties.Where(option => TypeOf(option) == typeof(TimeSpan)).Select(option => option.Name).Distinct().Order());
        string[] others =
        [
            .. properties.Where(option => !IsNumber(option.PropertyType) && TypeOf(option) != typeof(TimeSpan) && TypeOf(option) != typeof(bool)
                && !TypeOf(option).IsEnum && !IsColumnName(option)).Select(option => option.Name).Distinct().Order(),
        ];
        // Paths and data have tests of their own.
        Assert.Equal(
            ["Abstention", "CancellationToken", "CheckpointPath", "ClassWeights", "LabelSeparator", "PretrainedModel", "Progress", "ValidationSet"], others);
    }

    [Fact]
    public void ValuesBeyondTheBounds_AreRefused_AndThoseAtTheBoundsAreNot()
    {
        var context = new MLContext(1);
        var cases = new MisuseCases();
        foreach (var kind in EstimatorKind.All)
        {
            foreach (var option in OptionsOf(kind))
            {
                foreach (object? value in Invalid(kind, option))
                    cases.Refuses($"{kind.Name}, {option.Name} = {value ?? "null"}", () => kind.Estimator(context, Setting(option, value)));
                foreach (object value in Valid(kind, option))
                    cases.Succeeds($"{kind.Name}, {option.Name} = {value}", () => kind.Estimator(context, Setting(option, value)));
            }
        }
        cases.AssertGood(atLeast: 600);
    }

    [Fact]
    public void TrainingsAtTheBounds_DoNotEndTheProcess() => ChildProgram.AssertEnds(TrainAtTheBounds);

    private static void TrainAtTheBounds()
    {
        TorchSharp.torch.set_num_threads(1);
        var context = new MLContext(1);
        var cases = new MisuseCases();
        foreach (var kind in EstimatorKind.All)
        {
            // What all estimators share is trained once.
            foreach (var option in OptionsOf(kind).Where(option => kind.Name == "multiclass" || option.DeclaringType == kind.Options().GetType()))
            {
                foreach (object value in Valid(kind, option).Take(s_costly.Contains(option.Name) ? 1 : int.MaxValue))
                {
                    cases.Ends($"{kind.Name}, {option.Name} = {value}", () =>
                    {
                        using var model = kind.Fit(context, options =>
                        {
                            options.MaxTrainingTime = TimeSpan.FromSeconds(2);
                            if (option.Name is "NumScales" or "CompressionRatio" or "Window")
                                options.Attention = AttentionKind.Maha;
                            Setting(option, value)(options);
                        });
                        Assert.All(kind.Numbers(context, model, EstimatorKind.Rows), number => Assert.True(float.IsFinite(number), $"predicts {number}"));
                    });
                }
            }
        }
        cases.AssertGood(atLeast: 120);
    }

    private static IEnumerable<PropertyInfo> OptionsOf(EstimatorKind kind) => kind.Options().GetType().GetProperties();

    private static Type TypeOf(PropertyInfo option) => Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType;

    private static bool IsNumber(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var number
        && number.IsPrimitive && number != typeof(bool) && number != typeof(char);

    private static bool IsColumnName(PropertyInfo option) => option.Name.EndsWith("ColumnName", StringComparison.Ordinal);

    private static Action<MahaEstimatorOptions> Setting(PropertyInfo option, object? value) => options =>
    {
        // The heads must divide the width.
        if (option.Name == "DModel")
            options.NumHeads = 1;
        option.SetValue(options, value);
    };

    private static IEnumerable<object> Valid(EstimatorKind kind, PropertyInfo option)
    {
        var type = TypeOf(option);
        if (s_times.TryGetValue(option.Name, out var times))
            return [times.Least, times.Most];
        if (type.IsEnum)
            return Enum.GetValues(type).Cast<object>().Where(value => !IsRefused(kind, option.Name, value));
        if (type == typeof(bool))
            return new object[] { false, true }.Where(value => !(option.Name == "Freeze" && (bool)value));
        if (!s_numbers.ContainsKey(option.Name))
            return [];
        var (least, most) = Bounds(kind, option);
        return [Convert.ChangeType(least, type, null), Convert.ChangeType(most, type, null)];
    }

    private static IEnumerable<object?> Invalid(EstimatorKind kind, PropertyInfo option)
    {
        var type = TypeOf(option);
        if (s_times.TryGetValue(option.Name, out var times))
        {
            return new[] { times.Least - TimeSpan.FromTicks(1), TimeSpan.MinValue }
                .Concat(times.Most < TimeSpan.MaxValue ? [times.Most + TimeSpan.FromTicks(1), TimeSpan.MaxValue] : []).Cast<object>();
        }
        if (type.IsEnum)
        {
            return Enum.GetValues(type).Cast<object>().Where(value => IsRefused(kind, option.Name, value))
                .Append(Enum.ToObject(type, 99)).Append(Enum.ToObject(type, -1));
        }
        if (IsColumnName(option))
            return new NullabilityInfoContext().Create(option).WriteState == NullabilityState.Nullable ? [""] : ["", null];
        if (!s_numbers.ContainsKey(option.Name))
            return [];
        var (least, most) = Bounds(kind, option);
        if (type == typeof(double))
        {
            var refused = new List<object?> { double.NaN, double.NegativeInfinity, Math.BitDecrement(least), -double.MaxValue };
            if (most < Infinity)
                refused.AddRange([Infinity, Math.BitIncrement(most)]);
            return refused;
        }
        return new[] { least - 1, most + 1, int.MinValue, int.MaxValue }
            .Where(value => (value < least || value > most) && value >= int.MinValue && value <= int.MaxValue).Distinct()
            .Select(value => (object?)Convert.ChangeType(value, type, null));
    }

    private static (double Least, double Most) Bounds(EstimatorKind kind, PropertyInfo option) =>
        kind.Name == "language model" && option.Name == "MaxSequenceLength" ? (2, s_numbers[option.Name].Most) : s_numbers[option.Name];

    // What no estimator or not this one accepts.
    private static bool IsRefused(EstimatorKind kind, string option, object value) => (kind.Name, option, value.ToString()) switch
    {
        (_, "Attention", nameof(AttentionKind.MahaReference)) => true,
        ("language model", "OverlongDocuments", not "KeepStart") => true,
        ("language model", "Hierarchy", "Document") => true,
        ("encoder", "Segments", "Window") => true,
        // The thresholds are chosen on validation documents, and the toys have none.
        ("binary", "Threshold", not "Half") => true,
        _ => false,
    };
}
