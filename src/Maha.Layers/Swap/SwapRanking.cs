namespace Maha.Layers.Swap;

/// <summary>The rule that chooses the next layer to swap.</summary>
public enum SwapRanking
{
    /// <summary>
    /// The layer whose swap changes the classifier's predictions for the samples least, by the KL divergence of the class probabilities before and after.
    /// Costs a pass over the samples for every remaining layer.
    /// </summary>
    Predictions,

    /// <summary>
    /// The layer whose attention is nearest to its hierarchical form, by the mean KL divergence of the rows. Cheaper, but ignores how much a layer matters to
    /// the predictions.
    /// </summary>
    Attention,
}
