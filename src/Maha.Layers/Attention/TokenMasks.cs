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

    /// <summary>Rows [B, N, D] with 0 past the documents' ends, whatever stood there; no work where nothing is padded.</summary>
    public static Tensor Cleared(Tensor rows, int[] validLengths)
    {
        long length = rows.shape[1];
        if (validLengths.All(n => n >= length))
            return rows.alias();
        using var invalid = Invalid(validLengths, length, rows.device);
        using var perRow = invalid.unsqueeze(-1);
        return rows.masked_fill(perRow, 0);
    }
}
