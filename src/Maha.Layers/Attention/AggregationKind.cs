namespace Maha.Layers.Attention;

/// <summary>How the outputs of the scales become one.</summary>
public enum AggregationKind
{
    /// <summary>Learned weights through a softmax, the same for every token: what the published code calls 'convex'.</summary>
    Softmax,

    /// <summary>Three steps of softmax over negative distances to the consensus: what the published code calls 'nash'.</summary>
    ReferenceNash,

    /// <summary>The mean of the available scales.</summary>
    Mean,

    /// <summary>A quadratic programme over the simplex: utility against redundancy and cost, solved exactly and differentiated exactly.</summary>
    Convex,

    /// <summary>The quantal response equilibrium of a game between the scales, to a stated residual.</summary>
    Nash,

    /// <summary>Gates per token and channel, from the coarsest scale to the finest (equation 12).</summary>
    Gated,
}
