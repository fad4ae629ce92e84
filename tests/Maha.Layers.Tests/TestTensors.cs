using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests;

/// <summary>Random tensors from a given seed, since tests that run in parallel share torch's generator; and comparisons.</summary>
internal static class TestTensors
{
    private const double Step = 5e-6;

    public static Tensor Random(int seed, params long[] shape)
    {
        var random = new Random(seed);
        double[] numbers = new double[shape.Aggregate(1L, (product, dimension) => product * dimension)];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return tensor(numbers).reshape(shape);
    }

    /// <summary>The number of tensors of this process after the garbage collector has freed those that nothing holds.</summary>
    /// <remarks>
    /// A graph is freed a level at a time: what a level holds can be collected only when its owner has been finalized. So the collection goes on until the
    /// number stays the same.
    /// </remarks>
    public static long CountLive()
    {
        ReturnedGradients.Release();
        long live = Tensor.TotalCount;
        for (int unchanged = 0; unchanged < 3;)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            unchanged = Tensor.TotalCount == live ? unchanged + 1 : 0;
            live = Tensor.TotalCount;
        }
        return live;
    }

    /// <summary>
    /// Fails if more tensors are live than given: a leak. Fewer may be: a thread that ends meanwhile takes the last gradients of its backward pass with it.
    /// </summary>
    public static void AssertLiveAtMost(long live) => Assert.InRange(CountLive(), 0, live);

    public static Tensor RandomIds(int seed, int vocabSize, params long[] shape)
    {
        var random = new Random(seed);
        long[] ids = new long[shape.Aggregate(1L, (product, dimension) => product * dimension)];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = random.Next(vocabSize);
        return tensor(ids).reshape(shape);
    }

    /// <summary>Gives a module float64 weights from a seed and switches dropout off.</summary>
    public static T Prepared<T>(T module, int seed, double scale = 0.3) where T : nn.Module
    {
        module.to(ScalarType.Float64);
        using var noGradient = no_grad();
        foreach (var (name, parameter) in module.named_parameters())
        {
            using var values = Random(seed++, parameter.shape) * scale;
            parameter.copy_(values);
        }
        module.eval();
        return module;
    }

    public static double[] ToArray(Tensor numbers)
    {
        using var scope = NewDisposeScope();
        // TorchSharp's accessor throws for a tensor without elements.
        return numbers.numel() == 0 ? [] : numbers.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    /// <summary>The largest difference relative to max(1, largest expected magnitude); NaN if one is not a number.</summary>
    public static double Difference(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        return Difference(ToArray(expected), ToArray(actual));
    }

    public static double Difference(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double magnitude = 1, worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            magnitude = Math.Max(magnitude, Math.Abs(expected[i]));
            worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
        }
        return worst / magnitude;
    }

    public static void AssertClose(Tensor expected, Tensor actual, double tolerance)
    {
        double difference = Difference(expected, actual);
        Assert.True(difference <= tolerance, $"largest relative difference {difference:g3}, allowed {tolerance:g3}");
    }

    /// <summary>Compares autograd with central differences at some elements of each tensor; the function must return a float64 scalar.</summary>
    public static void AssertGradients(Func<Tensor> function, IEnumerable<(string Name, Tensor Tensor)> tensors, int probes = 6)
    {
        using var scope = NewDisposeScope();
        var all = tensors.ToList();
        foreach (var (_, tensor) in all)
            tensor.requires_grad_(true);
        function().backward();
        foreach (var (name, tensor) in all)
        {
            double[] gradient = tensor.grad is null ? new double[tensor.numel()] : ToArray(tensor.grad);
            var random = new Random(name.Length + (int)tensor.numel());
            for (int probe = 0; probe < probes; probe++)
            {
                int at = random.Next(gradient.Length);
                double expected = (At(tensor, at, Step) - At(tensor, at, -Step)) / (2 * Step);
                double difference = Math.Abs(expected - gradient[at]) / Math.Max(1, Math.Abs(expected));
                Assert.True(difference <= Tolerances.CentralDifference, $"{name}[{at}]: autograd {gradient[at]:r}, central difference {expected:r}");
            }
        }

        double At(Tensor tensor, int at, double step)
        {
            using var inner = NewDisposeScope();
            using var noGradient = no_grad();
            var flat = tensor.detach().view(-1);
            double value = flat[at].item<double>();
            flat[at] = value + step;
            double result = function().item<double>();
            flat[at] = value;
            return result;
        }
    }
}
