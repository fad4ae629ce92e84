namespace Maha.Layers.Swap;

/// <summary>One more layer swapped: a row of the table of accuracy and cost against the number of layers.</summary>
/// <param name="Layer">The layer that was swapped in this step; -1 in the first row, where none is.</param>
/// <param name="Distance">The layer's mean KL before it was swapped, with the earlier ones swapped; 0 in the first row.</param>
/// <param name="Swapped">All swapped layers, ascending.</param>
/// <param name="Score">What the caller's evaluation gave for the model.</param>
/// <param name="AttentionFlops">Floating-point operations of attention in all layers over the samples; a multiply-add counts 2, projections are left out.</param>
/// <param name="SwappedReduction">The part of the swapped layers' attention operations that the swap saves; 0 in the first row.</param>
public sealed record SwapStep(int Layer, double Distance, IReadOnlyList<int> Swapped, double Score, long AttentionFlops, double SwappedReduction)
{
    /// <summary>How far the predictions for the samples have moved from the classifier's own: the mean KL divergence of the class probabilities, in nats; 0 in the first row.</summary>
    public double PredictionDistance { get; init; }
}
