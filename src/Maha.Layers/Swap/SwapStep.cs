namespace Maha.Layers.Swap;

/// <summary>The model after one more swapped layer: a row of the table of accuracy and cost by the number of swapped layers.</summary>
/// <param name="Layer">The layer that was swapped in this step; -1 in the first row, which has no swapped layer.</param>
/// <param name="Distance">The <see cref="LayerDistance.Mean"/> of the layer, measured after the earlier swaps; 0 in the first row.</param>
/// <param name="Swapped">All swapped layers, ascending.</param>
/// <param name="Score">The result of the caller's evaluation of the model.</param>
/// <param name="AttentionFlops">
/// The floating-point operations of attention in all layers over the samples. A multiply-add counts 2; projections are not counted.
/// </param>
/// <param name="SwappedReduction">The share of the swapped layers' attention operations that the swap saves, from 0 to 1; 0 in the first row.</param>
public sealed record SwapStep(int Layer, double Distance, IReadOnlyList<int> Swapped, double Score, long AttentionFlops, double SwappedReduction)
{
    /// <summary>
    /// The distance of the predictions for the samples from those of the original classifier: the mean KL divergence of the class probabilities, in nats.
    /// </summary>
    /// <value>0 in the first row.</value>
    public double PredictionDistance { get; init; }
}
