using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Graph;

/// <summary>A tensor that an ONNX graph computes. Each method adds a node with the ONNX operator of its name to the graph.</summary>
/// <param name="Builder">The graph.</param>
/// <param name="Name">The name of the tensor in the graph.</param>
/// <param name="Type">The type of the elements.</param>
/// <remarks>A number as an operand becomes a constant of the other operand's type. Axes may be negative, counted from the last.</remarks>
internal readonly record struct OnnxValue(OnnxBuilder Builder, string Name, DataType Type)
{
    /// <summary>The score of a masked key: finite, so that rows of padding stay numbers, and so low that its exponential is 0.</summary>
    public const double Floor = -1e30;

    public static OnnxValue operator +(OnnxValue left, OnnxValue right) => left.With("Add", right);

    public static OnnxValue operator +(OnnxValue left, double right) => left + left.Number(right);

    public static OnnxValue operator -(OnnxValue left, OnnxValue right) => left.With("Sub", right);

    public static OnnxValue operator -(OnnxValue left, double right) => left - left.Number(right);

    public static OnnxValue operator -(double left, OnnxValue right) => right.Number(left) - right;

    public static OnnxValue operator *(OnnxValue left, OnnxValue right) => left.With("Mul", right);

    public static OnnxValue operator *(OnnxValue left, double right) => left * left.Number(right);

    public static OnnxValue operator /(OnnxValue left, OnnxValue right) => left.With("Div", right);

    public static OnnxValue operator /(OnnxValue left, double right) => left / left.Number(right);

    public static OnnxValue operator /(double left, OnnxValue right) => right.Number(left) / right;

    public static OnnxValue operator -(OnnxValue value) => value.With("Neg");

    public static OnnxValue operator !(OnnxValue value) => value.With("Not");

    public static OnnxValue operator &(OnnxValue left, OnnxValue right) => left.With("And", right);

    public static OnnxValue operator |(OnnxValue left, OnnxValue right) => left.With("Or", right);

    public static OnnxValue operator <(OnnxValue left, OnnxValue right) => left.Compare("Less", right);

    public static OnnxValue operator >(OnnxValue left, OnnxValue right) => left.Compare("Greater", right);

    public static OnnxValue operator <=(OnnxValue left, OnnxValue right) => left.Compare("LessOrEqual", right);

    public static OnnxValue operator >=(OnnxValue left, OnnxValue right) => left.Compare("GreaterOrEqual", right);

    public static OnnxValue operator <(OnnxValue left, double right) => left < left.Number(right);

    public static OnnxValue operator >(OnnxValue left, double right) => left > left.Number(right);

    public static OnnxValue operator <=(OnnxValue left, double right) => left <= left.Number(right);

    public static OnnxValue operator >=(OnnxValue left, double right) => left >= left.Number(right);

    public OnnxValue EqualTo(OnnxValue other) => Compare("Equal", other);

    public OnnxValue EqualTo(double other) => EqualTo(Number(other));

    public OnnxValue Exp() => With("Exp");

    public OnnxValue Log() => With("Log");

    public OnnxValue Sqrt() => With("Sqrt");

    public OnnxValue Sin() => With("Sin");

    public OnnxValue Erf() => With("Erf");

    public OnnxValue Abs() => With("Abs");

    public OnnxValue Relu() => With("Relu");

    public OnnxValue Sigmoid() => With("Sigmoid");

    public OnnxValue Max(OnnxValue other) => With("Max", other);

    public OnnxValue Max(double other) => Max(Number(other));

    public OnnxValue Min(OnnxValue other) => With("Min", other);

    public OnnxValue Min(double other) => Min(Number(other));

    public OnnxValue MatMul(OnnxValue other) => With("MatMul", other);

    public OnnxValue Cast(DataType type) => type == Type ? this : Builder.Node("Cast", type, [this], ("to", (long)type));

    public OnnxValue Softmax(int axis = -1) => Builder.Node("Softmax", Type, [this], ("axis", (long)axis));

    public OnnxValue Transpose(params long[] axes) => Builder.Node("Transpose", Type, [this], ("perm", axes));

    public OnnxValue Unsqueeze(params long[] axes) => With("Unsqueeze", Builder.Integers(axes));

    public OnnxValue Squeeze(params long[] axes) => With("Squeeze", Builder.Integers(axes));

    public OnnxValue Reshape(params OnnxDim[] shape) => With("Reshape", ShapeOf(shape));

    public OnnxValue Expand(params OnnxDim[] shape) => With("Expand", ShapeOf(shape));

    public OnnxValue Gather(OnnxValue indices, int axis = 0) => Builder.Node("Gather", Type, [this, indices], ("axis", (long)axis));

    public OnnxValue Sum(int axis, bool keepDim = false) => Reduce("ReduceSum", axis, keepDim);

    public OnnxValue Mean(int axis, bool keepDim = false) => Reduce("ReduceMean", axis, keepDim);

    public OnnxValue Largest(int axis, bool keepDim = false) => Reduce("ReduceMax", axis, keepDim);

    /// <summary>The sum of all elements before each one along an axis.</summary>
    public OnnxValue SumBefore(int axis) => Builder.Node("CumSum", Type, [this, Builder.Constant(DataType.Int64, [axis])], ("exclusive", 1L));

    /// <summary>Returns the elements from a start to an end, which is not included, along an axis.</summary>
    public OnnxValue Slice(int axis, OnnxDim start, OnnxDim end, long step = 1) =>
        Builder.Node("Slice", Type, [this, ShapeOf(start), ShapeOf(end), Builder.Integers(axis), Builder.Integers(step)]);

    /// <summary>Adds zeros before the first and after the last element along an axis.</summary>
    public OnnxValue Pad(int axis, OnnxDim before, OnnxDim after) =>
        Builder.Node("Pad", Type, [this, ShapeOf(before, after), null, Builder.Integers(axis)]);

    /// <summary>The size of a dimension, [1] of Int64.</summary>
    public OnnxValue Dim(int axis) => axis == -1
        ? Builder.Node("Shape", DataType.Int64, [this], ("start", -1L))
        : Builder.Node("Shape", DataType.Int64, [this], ("start", (long)axis), ("end", axis + 1L));

    /// <summary>The places of the elements that are not 0, [rank, count] of Int64, row after row.</summary>
    public OnnxValue NonZero() => Builder.Node("NonZero", DataType.Int64, [this]);

    /// <summary>The numbers 0, 1, 2, ... as many as this value, which is [1] of Int64, says.</summary>
    public OnnxValue Range() =>
        Builder.Node("Range", DataType.Int64, [Builder.Constant(DataType.Int64, [0]), Squeeze(0), Builder.Constant(DataType.Int64, [1])]);

    /// <summary>Divides integers of at least 0 and rounds up.</summary>
    public OnnxValue CeilDivide(OnnxValue divisor) => (this + (divisor - 1)) / divisor;

    /// <inheritdoc cref="CeilDivide(OnnxValue)"/>
    public OnnxValue CeilDivide(long divisor) => (this + (divisor - 1.0)) / divisor;

    /// <summary>Returns the elements of one value where this one is true, else those of another.</summary>
    public OnnxValue Where(OnnxValue then, OnnxValue otherwise) => Builder.Node("Where", then.Type, [this, then, otherwise]);

    /// <inheritdoc cref="Where(OnnxValue, OnnxValue)"/>
    public OnnxValue Where(OnnxValue then, double otherwise) => Where(then, then.Number(otherwise));

    /// <inheritdoc cref="Where(OnnxValue, OnnxValue)"/>
    public OnnxValue Where(double then, OnnxValue otherwise) => Where(otherwise.Number(then), otherwise);

    /// <summary>Joins tensors along an axis.</summary>
    public static OnnxValue Concat(int axis, params OnnxValue[] values) =>
        values.Length == 1 ? values[0] : values[0].Builder.Node("Concat", values[0].Type, [.. values], ("axis", (long)axis));

    /// <summary>Normalizes the last dimension.</summary>
    public OnnxValue LayerNorm(OnnxValue scale, OnnxValue shift, double epsilon) =>
        Builder.Node("LayerNormalization", Type, [this, scale, shift], ("axis", -1L), ("epsilon", epsilon));

    /// <summary>Computes x (1 + erf(x / sqrt 2)) / 2, in the order that ONNX Runtime recognizes as one operator.</summary>
    public OnnxValue Gelu() => this * ((this / Math.Sqrt(2)).Erf() + 1) * 0.5;

    /// <summary>A scalar constant of this value's type.</summary>
    public OnnxValue Number(double value) => Builder.Constant(Type, [value]);

    private OnnxValue ShapeOf(params OnnxDim[] dims)
    {
        if (dims.All(dim => dim.Value is null))
            return Builder.Integers(Array.ConvertAll(dims, dim => dim.Number));
        var builder = Builder;
        return Concat(0, Array.ConvertAll(dims, dim => dim.Value ?? builder.Integers(dim.Number)));
    }

    private OnnxValue Reduce(string operation, int axis, bool keepDim) =>
        Builder.Node(operation, Type, [this, Builder.Integers(axis)], ("keepdims", keepDim ? 1L : 0L));

    private OnnxValue Compare(string operation, OnnxValue other) => Builder.Node(operation, DataType.Bool, [this, other]);

    private OnnxValue With(string operation, params OnnxValue[] others) => Builder.Node(operation, Type, [this, .. others]);
}
