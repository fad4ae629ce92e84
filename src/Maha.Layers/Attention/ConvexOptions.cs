using System.Text.Json.Serialization;
using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The options of the convex aggregation: a quadratic program over the simplex of scale weights.</summary>
public sealed record ConvexOptions : AggregationOptions
{
    /// <inheritdoc/>
    public override AggregationKind Kind => AggregationKind.Convex;

    /// <summary>The unit that has its own weights over the scales.</summary>
    /// <value><see cref="WeightGranularity.Token"/>.</value>
    public WeightGranularity Granularity { get; init; } = WeightGranularity.Token;

    /// <summary>f, the part of the weights that the program can't move: no weight is below f times the preference for its scale.</summary>
    /// <value>
    /// 0.1. From 0 to 0.99; 0 switches it off. The preference is the softmax of the learned utilities. Models that were saved without the option have 0.
    /// </value>
    [OptionRange(0, 0.99, "0 switches it off.")]
    public double WeightFloor { get; init; } = 0.1;

    /// <summary>rho, the price of redundancy between scales.</summary>
    /// <value>0.5. From 0 to 1,000,000; 0 is the projection on the simplex (sparsemax).</value>
    [OptionRange(0, 1e6, "0 is the projection on the simplex.")]
    public double RedundancyPrice { get; init; } = 0.5;

    /// <summary>lambda, the price of a scale's share of the floating-point operations.</summary>
    /// <value>0. From 0 to 1,000,000.</value>
    [OptionRange(0, 1e6, "Use 0 to switch it off.")]
    public double CostPrice { get; init; }

    /// <summary>tau, the temperature: the utilities are divided by it.</summary>
    /// <value>1. From 0.001 to 1,000.</value>
    [OptionRange(1e-3, 1e3, "1 is usual.")]
    public double Temperature { get; init; } = 1;

    /// <summary>
    /// The form in which the learned utilities enter the program. Models that were saved without the option have <see cref="UtilityForm.Linear"/>, with
    /// which the preference is equal for all available scales.
    /// </summary>
    /// <value><see cref="UtilityForm.Softmax"/>.</value>
    [JsonInclude]
    internal UtilityForm UtilityForm { get; init; } = UtilityForm.Softmax;

    /// <summary>The options of models that were saved before the utilities had forms and the weights had floors.</summary>
    internal static ConvexOptions SavedWithoutForm { get; } = new() { UtilityForm = UtilityForm.Linear, WeightFloor = 0 };

    /// <inheritdoc/>
    internal override double ScaleCostPrice => CostPrice;

    /// <inheritdoc/>
    internal override void Validate(MahaBlockOptions block)
    {
        base.Validate(block);
        if (block.IsCausal && Granularity == WeightGranularity.Document)
        {
            throw new ArgumentException(
                "Granularity must be Token or InputFree in a causal model, since a document's mean depends on later tokens, but is Document.", nameof(block));
        }
    }
}
