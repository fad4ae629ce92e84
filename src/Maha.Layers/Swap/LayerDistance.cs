namespace Maha.Layers.Swap;

/// <summary>The distance between a layer's attention and its hierarchical form.</summary>
/// <param name="Layer">The layer, 0 the first.</param>
/// <param name="Heads">
/// For every head KL(hierarchical weights || softmax weights) in nats: the mean over documents of the mean over tokens.
/// </param>
internal sealed record LayerDistance(int Layer, IReadOnlyList<double> Heads)
{
    /// <summary>The mean over the heads.</summary>
    public double Mean => Heads.Average();
}
