namespace Maha.Layers.Swap;

/// <summary>How far a layer's attention would move by a swap.</summary>
/// <param name="Layer">The layer, 0 the first.</param>
/// <param name="Heads">For every head the mean over documents of the mean over tokens of KL(hierarchical weights || softmax), in nats.</param>
public sealed record LayerDistance(int Layer, IReadOnlyList<double> Heads)
{
    /// <summary>The mean over the heads.</summary>
    public double Mean => Heads.Average();
}
