using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>
/// The replacements for TorchSharp's operators that take numbers. The operators are the same, but their Scalars stay alive during the native call.
/// </summary>
/// <remarks>
/// TorchSharp 0.107 creates a <see cref="Scalar"/> for a number, also for the factor 1 of a sum of two tensors, and passes its handle to native code without
/// keeping it alive. A garbage collection during the call frees the number, and native code reads another number or garbage. This class keeps a thread's latest
/// Scalars referenced, more of them than any call takes. A build task replaces the calls in the compiled assembly, so no source calls these methods by name; a
/// call for which this class has no method is a build error.
/// </remarks>
internal static class KeptScalars
{
    // A power of two, above the number of Scalars that one call takes.
    private const int Kept = 16;

    // The numbers that nearly all calls need. They are never freed.
    private static readonly Scalar s_zero = 0.ToScalar();
    private static readonly Scalar s_one = 1.ToScalar();

    [ThreadStatic]
    private static Scalar?[]? s_latest;

    [ThreadStatic]
    private static int s_next;

    [InPlaceOf(typeof(Scalar), "op_Implicit")]
    public static Scalar From(int value) => value switch
    {
        0 => s_zero,
        1 => s_one,
        _ => Keep(value.ToScalar()),
    };

    [InPlaceOf(typeof(Scalar), "op_Implicit")]
    public static Scalar From(long value) => Keep(value.ToScalar());

    [InPlaceOf(typeof(Scalar), "op_Implicit")]
    public static Scalar From(float value) => Keep(value.ToScalar());

    [InPlaceOf(typeof(Scalar), "op_Implicit")]
    public static Scalar From(double value) => Keep(value.ToScalar());

    [InPlaceOf(typeof(Scalar), "op_Implicit")]
    public static Scalar From(bool value) => Keep(value.ToScalar());

    [InPlaceOf(typeof(Tensor), "op_Addition")]
    [InPlaceOf(typeof(Tensor), nameof(Tensor.add))]
    public static Tensor Add(Tensor left, Tensor right) => left.add(right, s_one);

    [InPlaceOf(typeof(Tensor), nameof(Tensor.add_))]
    public static Tensor AddInPlace(Tensor left, Tensor right) => left.add_(right, s_one);

    [InPlaceOf(typeof(Tensor), nameof(Tensor.add_))]
    public static Tensor AddInPlace(Tensor left, Scalar right) => left.add_(right, s_one);

    [InPlaceOf(typeof(Tensor), "op_Addition")]
    [InPlaceOf(typeof(Tensor), nameof(Tensor.add))]
    public static Tensor Add(Tensor left, Scalar right) => left.add(right, s_one);

    [InPlaceOf(typeof(Tensor), "op_Addition")]
    public static Tensor Add(Tensor left, int right) => left.add(From(right), s_one);

    [InPlaceOf(typeof(Tensor), "op_Addition")]
    public static Tensor Add(Tensor left, long right) => left.add(From(right), s_one);

    [InPlaceOf(typeof(Tensor), "op_Addition")]
    public static Tensor Add(Tensor left, double right) => left.add(From(right), s_one);

    [InPlaceOf(typeof(Tensor), "op_Addition")]
    public static Tensor Add(int left, Tensor right) => right.add(From(left), s_one);

    [InPlaceOf(typeof(Tensor), "op_Addition")]
    public static Tensor Add(double left, Tensor right) => right.add(From(left), s_one);

    [InPlaceOf(typeof(Tensor), "op_Subtraction")]
    public static Tensor Subtract(Tensor left, int right) => left.sub(From(right));

    [InPlaceOf(typeof(Tensor), "op_Subtraction")]
    public static Tensor Subtract(Tensor left, long right) => left.sub(From(right));

    [InPlaceOf(typeof(Tensor), "op_Subtraction")]
    public static Tensor Subtract(Tensor left, double right) => left.sub(From(right));

    [InPlaceOf(typeof(Tensor), "op_Subtraction")]
    public static Tensor Subtract(int left, Tensor right) => right.negative().add(From(left), s_one);

    [InPlaceOf(typeof(Tensor), "op_Subtraction")]
    public static Tensor Subtract(double left, Tensor right) => right.negative().add(From(left), s_one);

    [InPlaceOf(typeof(Tensor), "op_Multiply")]
    public static Tensor Multiply(Tensor left, int right) => left.mul(From(right));

    [InPlaceOf(typeof(Tensor), "op_Multiply")]
    public static Tensor Multiply(Tensor left, long right) => left.mul(From(right));

    [InPlaceOf(typeof(Tensor), "op_Multiply")]
    public static Tensor Multiply(Tensor left, double right) => left.mul(From(right));

    [InPlaceOf(typeof(Tensor), "op_Multiply")]
    public static Tensor Multiply(double left, Tensor right) => right.mul(From(left));

    [InPlaceOf(typeof(Tensor), "op_Division")]
    public static Tensor Divide(Tensor left, int right) => left.div(From(right));

    [InPlaceOf(typeof(Tensor), "op_Division")]
    public static Tensor Divide(Tensor left, long right) => left.div(From(right));

    [InPlaceOf(typeof(Tensor), "op_Division")]
    public static Tensor Divide(Tensor left, double right) => left.div(From(right));

    [InPlaceOf(typeof(Tensor), nameof(Tensor.square))]
    public static Tensor Square(Tensor tensor) => tensor.pow(From(2));

    [InPlaceOf(typeof(torch), nameof(arange))]
    public static Tensor Range(Scalar stop, ScalarType? dtype, Device? device, bool requiresGrad) =>
        arange(s_zero, stop, s_one, dtype, device, requiresGrad);

    [InPlaceOf(typeof(torch), nameof(arange))]
    public static Tensor Range(Scalar start, Scalar stop, ScalarType? dtype, Device? device, bool requiresGrad) =>
        arange(start, stop, s_one, dtype, device, requiresGrad);

    // TorchSharp reads a tensor's number through a Scalar, which can be freed before it is read.
    [InPlaceOf(typeof(TensorExtensionMethods), nameof(TensorExtensionMethods.ToDouble))]
    public static double ToDouble(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to(ScalarType.Float64).cpu().item<double>();
    }

    [InPlaceOf(typeof(TensorExtensionMethods), nameof(TensorExtensionMethods.ToInt64))]
    public static long ToInt64(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to(ScalarType.Int64).cpu().item<long>();
    }

    private static Scalar Keep(Scalar scalar)
    {
        var latest = s_latest ??= new Scalar?[Kept];
        latest[s_next++ & (Kept - 1)] = scalar;
        return scalar;
    }
}

/// <summary>
/// Names the member of TorchSharp that a method of <see cref="KeptScalars"/> replaces. The member has the method's parameters, of which the first is the
/// instance.
/// </summary>
/// <param name="type">The member's type.</param>
/// <param name="member">The member's name.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class InPlaceOfAttribute(Type type, string member) : Attribute
{
    public Type Type => type;

    public string Member => member;
}
