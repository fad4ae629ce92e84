namespace Maha.Layers.Swap;

/// <summary>By what the next layer to swap is chosen.</summary>
public enum SwapRanking
{
    /// <summary>The layer whose swap moves the classifier's predictions for the samples least: the KL divergence of the class probabilities before and after. Costs a pass over the samples for every layer that is left.</summary>
    Predictions,

    /// <summary>The layer whose attention is nearest to its hierarchical form: the mean KL divergence of the rows. Cheaper, but it does not see what a layer matters to the predictions.</summary>
    Attention,
}
