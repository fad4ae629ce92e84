using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B batch, N length

/// <summary>The lengths of the rows of a batch. Padding is on the right.</summary>
internal sealed record TokenRows
{
    private TokenRows(OnnxValue valid, OnnxValue lengths, long maxLength) =>
        (Valid, Lengths, MaxLength, Batch, Length) = (valid, lengths, maxLength, valid.Dim(0), valid.Dim(1));

    /// <summary>[B, N] of Bool, true = a token, false = padding.</summary>
    public OnnxValue Valid { get; }

    /// <summary>The number of tokens of each row, [B, 1] of Int64.</summary>
    public OnnxValue Lengths { get; }

    /// <summary>The most tokens of any row that the model reads.</summary>
    public long MaxLength { get; }

    /// <summary>B.</summary>
    public OnnxValue Batch { get; }

    /// <summary>N, with padding.</summary>
    public OnnxValue Length { get; }

    /// <summary>Creates the rows of a mask of Int64, 1 = a token.</summary>
    public static TokenRows FromMask(OnnxValue mask, long maxLength) => new(mask.Cast(DataType.Bool), mask.Sum(1, keepDim: true), maxLength);

    /// <summary>Creates rows of given lengths, [B, 1], that are padded to a length.</summary>
    public static TokenRows FromLengths(OnnxValue lengths, OnnxValue length, long maxLength) => new(length.Range() < lengths, lengths, maxLength);

    /// <summary>Sets padding to 0 in a tensor [B, N, ...] of a rank.</summary>
    /// <remarks>Padding may hold any number, so this is no product with the mask.</remarks>
    public OnnxValue Clear(OnnxValue rows, int rank = 3) =>
        Valid.Unsqueeze([.. Enumerable.Range(2, rank - 2).Select(axis => (long)axis)]).Where(rows, 0);

    /// <summary>Returns [B, N] of Float, 1 for tokens and 0 for padding.</summary>
    public OnnxValue Counts() => Valid.Cast(DataType.Float);
}
