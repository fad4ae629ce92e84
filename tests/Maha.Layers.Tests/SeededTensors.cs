using static TorchSharp.torch;

namespace Maha.Layers.Tests;

/// <summary>Random tensors from a given seed, and comparisons that report where and by how much two tensors differ.</summary>
internal static class SeededTensors
{
    public static Tensor Random(int seed, ScalarType type, params long[] shape)
    {
        var random = new Random(seed);
        double[] data = new double[shape.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < data.Length; i++)
            data[i] = (2 * random.NextDouble()) - 1;
        return tensor(data, shape).to(type);
    }

    public static double[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        // TorchSharp's accessor throws for a tensor without elements.
        return tensor.numel() == 0 ? [] : tensor.detach().cpu().to(ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    public static void Near(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        double[] x = Values(expected), y = Values(actual);
        int worst = -1;
        double largest = -1;
        for (int i = 0; i < x.Length; i++)
        {
            double difference = Math.Abs(x[i] - y[i]);
            if (!(difference <= largest))
                (worst, largest) = (i, difference);
        }
        var (found, wanted) = worst < 0 ? (0, 0) : (y[worst], x[worst]);
        Assert.True(largest <= tolerance, $"{what}: element {worst} is {found:R}, expected {wanted:R}, difference {largest:E2} above {tolerance:E2}");
    }
}
