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

    private int[]? _lengths;
    private Tensor? _lengthsOf;

    /// <summary>The valid tokens of every document. Reading the mask waits for the device, so the layers of a model share one reading.</summary>
    internal int[] Lengths(long batchSize, long length)
    {
        if (KeyPaddingMask is null)
            return DocumentLengths.Of(null, batchSize, length);
        if (_lengths is null || !ReferenceEquals(_lengthsOf, KeyPaddingMask) || _lengths.Length != batchSize)
            (_lengths, _lengthsOf) = (DocumentLengths.Of(KeyPaddingMask, batchSize, length), KeyPaddingMask);
        return _lengths;
    }
}
