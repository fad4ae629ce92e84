using Maha.Layers.Attention;

namespace Maha.Layers.Models;

/// <summary>The cache of a causal encoder: the decoder states of its layers.</summary>
internal sealed class EncoderDecoderState(IReadOnlyList<DecoderState> layers) : DecoderState
{
    /// <summary>The states of the layers, the first layer first.</summary>
    public IReadOnlyList<DecoderState> Layers { get; } = layers;

    /// <inheritdoc/>
    public override long CacheBytes => Layers.Sum(layer => layer.CacheBytes);

    /// <inheritdoc/>
    protected override void Free()
    {
        foreach (var layer in Layers)
            layer.Dispose();
    }
}
