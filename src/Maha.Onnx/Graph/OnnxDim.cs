namespace Maha.Onnx.Graph;

/// <summary>The size of one dimension of a tensor: a number, or a value of the graph of the shape [1] of Int64.</summary>
internal readonly struct OnnxDim
{
    private OnnxDim(long number, OnnxValue? value) => (Number, Value) = (number, value);

    /// <summary>The size where it is a number; -1 stands for the size that is left.</summary>
    public long Number { get; }

    /// <summary>The size where the graph computes it.</summary>
    public OnnxValue? Value { get; }

    public static implicit operator OnnxDim(long number) => new(number, null);

    public static implicit operator OnnxDim(OnnxValue value) => new(0, value);
}
