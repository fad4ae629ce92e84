using static TorchSharp.torch;

namespace TorchSharp;

public sealed class Scalar : IDisposable
{
    internal int Tag { get; }
    internal long Bits { get; }

    private Scalar(int tag, long bits, ScalarType type)
    {
        Tag = tag;
        Bits = bits;
        Type = type;
    }

    internal Scalar(in NativeValue value)
        : this(value.Tag, value.Bits, value.Tag switch
        {
            TorchSharp.Tag.Double => ScalarType.Float64,
            TorchSharp.Tag.Bool => ScalarType.Bool,
            _ => ScalarType.Int64,
        })
    {
    }

    public ScalarType Type { get; }

    internal double Real => Tag == TorchSharp.Tag.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;
    internal long Whole => Tag == TorchSharp.Tag.Double ? (long)BitConverter.Int64BitsToDouble(Bits) : Bits;

    private static Scalar Floating(double value, ScalarType type) => new(TorchSharp.Tag.Double, BitConverter.DoubleToInt64Bits(value), type);

    public static implicit operator Scalar(byte value) => new(TorchSharp.Tag.Int, value, ScalarType.Byte);
    public static implicit operator Scalar(sbyte value) => new(TorchSharp.Tag.Int, value, ScalarType.Int8);
    public static implicit operator Scalar(short value) => new(TorchSharp.Tag.Int, value, ScalarType.Int16);
    public static implicit operator Scalar(int value) => new(TorchSharp.Tag.Int, value, ScalarType.Int32);
    public static implicit operator Scalar(long value) => new(TorchSharp.Tag.Int, value, ScalarType.Int64);
    public static implicit operator Scalar(Half value) => Floating((double)value, ScalarType.Float16);
    public static implicit operator Scalar(float value) => Floating(value, ScalarType.Float32);
    public static implicit operator Scalar(double value) => Floating(value, ScalarType.Float64);
    public static implicit operator Scalar(bool value) => new(TorchSharp.Tag.Bool, value ? 1 : 0, ScalarType.Bool);

    public void Dispose()
    {
        // TorchSharp's scalars own native memory; these hold only numbers.
    }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static float ToSingle(this Scalar value) => (float)value.Real;
    public static double ToDouble(this Scalar value) => value.Real;
    public static int ToInt32(this Scalar value) => checked((int)value.Whole);
    public static long ToInt64(this Scalar value) => value.Whole;
    public static bool ToBoolean(this Scalar value) => value.Real != 0;
}
