using static TorchSharp.torch;

namespace Maha.Layers.Core;

// B batch, N length

/// <summary>Masks made from lengths.</summary>
internal static class TokenMasks
{
    /// <summary>[B, N] booleans, true = past the document's end.</summary>
    public static Tensor Invalid(int[] validLengths, long length, Device device)
    {
        using var scope = NewDisposeScope();
        var ends = HostTensors.Create([.. validLengths.Select(n => (long)n)], [validLengths.Length, 1], device);
        return arange(length, dtype: ScalarType.Int64, device: device).unsqueeze(0).ge(ends).MoveToOuterDisposeScope();
    }

    /// <summary>The rows of a tensor [B, N, D] with 0 past the documents' ends; the tensor itself where nothing is padded.</summary>
    public static Tensor Clear(Tensor rows, int[] validLengths)
    {
        long length = rows.shape[1];
        if (validLengths.All(valid => valid == length))
            return rows;
        using var scope = NewDisposeScope();
        return rows.masked_fill(Invalid(validLengths, length, rows.device).unsqueeze(-1), 0).MoveToOuterDisposeScope();
    }
}
