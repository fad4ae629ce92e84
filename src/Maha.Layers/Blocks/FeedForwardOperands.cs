namespace Maha.Layers.Blocks;

/// <summary>Pointers to the parameters of a feed-forward layer: W_1 [F, D], b_1 [F], W_2 [D, F], b_2 [D]. The caller keeps the tensors alive.</summary>
internal readonly unsafe struct FeedForwardOperands(float* firstWeight, float* firstBias, float* secondWeight, float* secondBias, int width, int inner)
{
    public readonly float* FirstWeight = firstWeight;
    public readonly float* FirstBias = firstBias;
    public readonly float* SecondWeight = secondWeight;
    public readonly float* SecondBias = secondBias;

    /// <summary>D.</summary>
    public readonly int Width = width;

    /// <summary>F.</summary>
    public readonly int Inner = inner;
}
