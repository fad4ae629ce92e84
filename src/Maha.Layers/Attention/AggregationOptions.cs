using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The aggregation of the scales of multiscale attention, with its options.</summary>
public abstract record AggregationOptions
{
    private protected AggregationOptions()
    {
    }

    /// <summary>The kind of aggregation that the record belongs to.</summary>
    public abstract AggregationKind Kind { get; }

    /// <summary>Creates the options of a kind of aggregation with their default values.</summary>
    /// <param name="kind">The kind of aggregation.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not known.</exception>
    public static AggregationOptions Create(AggregationKind kind) => kind switch
    {
        AggregationKind.Convex => new ConvexOptions(),
        AggregationKind.Nash => new NashOptions(),
        AggregationKind.Softmax or AggregationKind.ReferenceNash or AggregationKind.Mean or AggregationKind.Gated => new FixedAggregationOptions(kind),
        _ => throw new ArgumentOutOfRangeException(
            nameof(kind), kind, $"Aggregation must be one of {string.Join(", ", Enum.GetNames<AggregationKind>())}, but is {kind}."),
    };

    /// <summary>Creates the options that a saved model has where its file does not name them.</summary>
    /// <param name="kind">The kind of aggregation.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not known.</exception>
    internal static AggregationOptions CreateSaved(AggregationKind kind) =>
        kind == AggregationKind.Convex ? ConvexOptions.SavedWithoutForm with { } : Create(kind);

    /// <summary>The price of a scale's share of the floating-point operations; 0 where the aggregation has no prices.</summary>
    internal virtual double ScaleCostPrice => 0;

    /// <summary>Checks the options, and how they go together with those of their block.</summary>
    /// <exception cref="ArgumentException">An option is not valid, or contradicts the block's.</exception>
    internal virtual void Validate(MahaBlockOptions block) => OptionChecks.Validate(this);
}
