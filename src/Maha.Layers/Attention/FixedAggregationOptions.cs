namespace Maha.Layers.Attention;

/// <summary>An aggregation that has no options.</summary>
internal sealed record FixedAggregationOptions : AggregationOptions
{
    /// <summary>Creates the record of a kind.</summary>
    public FixedAggregationOptions(AggregationKind kind) => Kind = kind;

    /// <inheritdoc/>
    public override AggregationKind Kind { get; }

    /// <inheritdoc/>
    internal override void Validate(MahaBlockOptions block)
    {
        if (block.IsCausal && Kind == AggregationKind.ReferenceNash)
        {
            throw new ArgumentException(
                "IsCausal must be false with ReferenceNash, which measures distances over whole documents, but is true. Choose another Aggregation.",
                nameof(block));
        }
    }
}
