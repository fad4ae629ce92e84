using Maha.Layers.Attention;


namespace Maha.Layers.Models;

/// <summary>What a causal encoder remembers of the tokens so far: the states of its layers.</summary>
internal sealed class EncoderDecoderState(IReadOnlyList<DecoderState> layers) : DecoderState
{
    /// <summary>The layers' states, the first layer first.</summary>
    public IReadOnlyList<DecoderState> Layers { get; } = layers;

    /// <inheritdoc/>
    public override long CacheBytes => Layers.Sum(layer => layer.CacheBytes);

    /// <inheritdoc/>
    private protected override void Free()
    {
        foreach (var layer in Layers)
            layer.Dispose();
    }
}
