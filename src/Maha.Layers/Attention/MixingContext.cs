using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length

/// <summary>What the layers of a model are told about a batch besides its hidden states. Made once a batch and shared by all layers.</summary>
public sealed record MixingContext
{
    /// <summary>Nothing is padded.</summary>
    public static MixingContext Unpadded { get; } = new();

    /// <summary>[B, N] booleans, true = ignore this token; null where no token is padding.</summary>
    public Tensor? KeyPaddingMask { get; init; }
}
