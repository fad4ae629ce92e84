
namespace Maha.Layers.Attention;

/// <summary>Makes the aggregation that options ask for.</summary>
internal static class ScaleAggregations
{
    /// <summary>The aggregation of <see cref="MahaBlockOptions.Aggregation"/>.</summary>
    public static ScaleAggregation Create(MahaBlockOptions options) => options.Aggregation switch
    {
        AggregationKind.Softmax => new SoftmaxAggregation(options.NumScales),
        AggregationKind.ReferenceNash => new ReferenceNashAggregation(options.NumScales),
        AggregationKind.Mean => new MeanAggregation(options.NumScales),
        AggregationKind.Convex => new ConvexAggregation(options),
        AggregationKind.Nash => new NashAggregation(options),
        AggregationKind.Gated => new GatedAggregation(options.DModel, options.NumScales),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.Aggregation, $"Aggregation must be one of {string.Join(", ", Enum.GetNames<AggregationKind>())}, but is {options.Aggregation}."),
    };
}
