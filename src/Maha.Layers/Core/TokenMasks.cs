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

    /// <summary>[B, N] booleans, true = past the document's end; null where nothing is padded.</summary>
    public static Tensor? Padding(int[] validLengths, long length, Device device) =>
        validLengths.All(valid => valid == length) ? null : Invalid(validLengths, length, device);

    /// <summary>The rows of a tensor [B, N, D] with 0 past the documents' ends; the tensor itself where nothing is padded.</summary>
    public static Tensor Clear(Tensor rows, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        return Padding(validLengths, rows.shape[1], rows.device) is { } padding ? Clear(rows, padding).MoveToOuterDisposeScope() : rows;
    }

    /// <summary>The rows of a tensor [B, N, D] with 0 where a mask [B, N] is true; the tensor itself without a mask.</summary>
    public static Tensor Clear(Tensor rows, Tensor? padding)
    {
        if (padding is null)
            return rows;
        using var scope = NewDisposeScope();
        return rows.masked_fill(padding.unsqueeze(-1), 0).MoveToOuterDisposeScope();
    }
}
