namespace Maha.Layers.Attention;

/// <summary>Creates the aggregation that options ask for.</summary>
internal static class ScaleAggregations
{
    /// <summary>Creates an aggregation.</summary>
    /// <param name="dModel">D, the width of a token.</param>
    /// <param name="numScales">S, the number of scales.</param>
    /// <param name="options">The kind of aggregation and its options.</param>
    public static ScaleAggregation Create(int dModel, int numScales, AggregationOptions options) => options switch
    {
        ConvexOptions convex => new ConvexAggregation(dModel, numScales, convex),
        NashOptions nash => new NashAggregation(numScales, nash),
        { Kind: AggregationKind.Softmax } => new SoftmaxAggregation(numScales),
        { Kind: AggregationKind.ReferenceNash } => new ReferenceNashAggregation(numScales),
        { Kind: AggregationKind.Mean } => new MeanAggregation(numScales),
        { Kind: AggregationKind.Gated } => new GatedAggregation(dModel, numScales),
        _ => throw new ArgumentOutOfRangeException(
            nameof(options), options.Kind, $"Aggregation must be one of {string.Join(", ", Enum.GetNames<AggregationKind>())}, but is {options.Kind}."),
    };
}
