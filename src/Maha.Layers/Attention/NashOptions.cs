using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The options of the Nash aggregation: the quantal response equilibrium of a game between the scales.</summary>
public sealed record NashOptions : AggregationOptions
{
    /// <inheritdoc/>
    public override AggregationKind Kind => AggregationKind.Nash;

    /// <summary>lambda, the price of a scale's share of the floating-point operations.</summary>
    /// <value>0. From 0 to 1,000,000.</value>
    [OptionRange(0, 1e6, "Use 0 to switch it off.")]
    public double CostPrice { get; init; }

    /// <summary>tau, the softness of the best responses.</summary>
    /// <value>1. From 0.001 to 1,000.</value>
    [OptionRange(1e-3, 1e3, "1 is usual.")]
    public double Temperature { get; init; } = 1;

    /// <summary>The residual at which the game counts as solved.</summary>
    /// <value>1e-10 (the game is solved in float64 whatever the type of the tokens). From 1e-15 to 0.1.</value>
    [OptionRange(1e-15, 0.1, "1e-10 is usual.")]
    public double Tolerance { get; init; } = 1e-10;

    /// <summary>The largest number of best responses; a game that needs more is reported as not converged.</summary>
    /// <value>5,000: near a bifurcation the steps shrink slowly. From 1 to 1,000,000.</value>
    [OptionRange(1, 1_000_000, "5,000 is usual.")]
    public int MaxIterations { get; init; } = 5000;

    /// <inheritdoc/>
    internal override double ScaleCostPrice => CostPrice;
}
