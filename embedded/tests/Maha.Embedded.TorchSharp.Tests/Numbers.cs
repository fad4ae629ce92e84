using static TorchSharp.torch;

namespace Maha.Embedded.TorchSharp.Tests;

internal static class Numbers
{
    // Sums of a few dozen products in another order than ours.
    public const double Float64Tolerance = 1e-12;

    // The same in single precision, with rounding at every operation of several steps.
    public const double Float32Tolerance = 2e-6;

    public static double[] Of(Tensor? tensor)
    {
        using Tensor plain = tensor!.detach().to(ScalarType.Float64);
        return plain.data<double>().ToArray();
    }

    public static void Equal(double[] expected, Tensor? actual, double tolerance = Float64Tolerance) => Equal(expected, Of(actual), tolerance);

    public static void Equal(double[] expected, double[] actual, double tolerance = Float64Tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                $"[{i}]: expected {expected[i]:R}, got {actual[i]:R}, tolerance {tolerance}");
    }

    // Numbers without structure, the same at every run.
    public static double[] Sequence(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() * 2 - 1)];
    }
}
