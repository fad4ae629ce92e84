namespace Maha.Layers.Attention;

/// <summary>The method that combines the outputs of the scales into one.</summary>
public enum AggregationKind
{
    /// <summary>A softmax of learned weights, the same for every token. The published code calls it 'convex'.</summary>
    Softmax,

    /// <summary>Three steps of a softmax over negative distances to the consensus. The published code calls it 'nash'.</summary>
    ReferenceNash,

    /// <summary>The mean of the available scales.</summary>
    Mean,

    /// <summary>A quadratic program over the simplex that weighs utility against redundancy and cost. It is solved and differentiated exactly.</summary>
    Convex,

    /// <summary>The quantal response equilibrium of a game between the scales, solved to a given residual.</summary>
    Nash,

    /// <summary>Gates per token and channel, from the coarsest scale to the finest (equation 12).</summary>
    Gated,
}
