using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>The lines of <c>device</c>, printed and kept, and whether every check passed.</summary>
/// <param name="device">The device that is compared with the processor.</param>
internal sealed class DeviceReport(Device device)
{
    /// <summary>The words before the hash of the kernels' sources.</summary>
    public const string HashLabel = "kernel sources ";

    /// <summary>The last line where every check passed.</summary>
    public const string AllPassed = "all checks passed";

    private readonly StringBuilder _text = new();

    public Device Device => device;

    public string Text => _text.ToString();

    public bool Passed { get; private set; } = true;

    public void Line(string text)
    {
        Console.WriteLine(text);
        _text.Append(text).Append('\n');
    }

    public void Check(string name, bool passed, string detail)
    {
        Passed &= passed;
        Line($"{(passed ? "ok  " : "FAIL")} {name,-44} {detail}");
    }

    /// <summary>Checks errors against their limits; NaN fails.</summary>
    public void Check(string name, params (string What, double Error, double Limit)[] errors) => Check(
        name,
        errors.All(error => error.Error <= error.Limit),
        string.Join(' ', errors.Select(error => string.Create(CultureInfo.InvariantCulture, $"{error.What}={error.Error:E1} (<= {error.Limit:E1})"))));

    /// <summary>Runs a part of the checks. An exception fails the part, and the next part is run.</summary>
    public void Part(string name, Action checks)
    {
        try
        {
            checks();
        }
        catch (Exception e)
        {
            Check(name, false, e.ToString().ReplaceLineEndings(" "));
        }
    }

    /// <summary>The largest magnitude of a tensor.</summary>
    public static double Largest(Tensor tensor) => tensor.abs().max().item<double>();

    /// <summary>The square root of the sum of the squares.</summary>
    public static double Norm(Tensor tensor) => tensor.square().sum().sqrt().item<double>();

    /// <summary>The size of the difference of two tensors, relative to the size of the first; infinite where a value is not a number.</summary>
    /// <param name="size"><see cref="Largest"/> or <see cref="Norm"/>.</param>
    /// <param name="expected">The tensor on the processor.</param>
    /// <param name="actual">The tensor to check.</param>
    /// <param name="floor">The least size to divide by, for tensors that are 0 but for rounding.</param>
    public static double Error(Func<Tensor, double> size, Tensor expected, Tensor actual, double floor = 0)
    {
        using var scope = NewDisposeScope();
        var (wide, other) = (expected.to(ScalarType.Float64), actual.cpu().to(ScalarType.Float64));
        double whole = Math.Max(floor, size(wide)), error = size(wide - other);
        return !double.IsFinite(error) ? double.PositiveInfinity : whole == 0 ? error : error / whole;
    }
}
