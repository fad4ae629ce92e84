using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length

/// <summary>Masks made from lengths.</summary>
internal static class TokenMasks
{
    /// <summary>[B, N] booleans, true = past the document's end.</summary>
    public static Tensor Invalid(int[] validLengths, long length, Device device)
    {
        using var scope = NewDisposeScope();
        var ends = tensor([.. validLengths.Select(n => (long)n)], [validLengths.Length, 1], device: device);
        return arange(length, dtype: ScalarType.Int64, device: device).unsqueeze(0).ge(ends).MoveToOuterDisposeScope();
    }
}
