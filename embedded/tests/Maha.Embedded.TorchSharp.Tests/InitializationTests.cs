using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class InitializationTests
{
    public InitializationTests() => manual_seed(3);

    private static void FillsUniformly(Tensor? tensor, double bound)
    {
        double[] values = Numbers.Of(tensor);
        Assert.All(values, v => Assert.InRange(v, -bound, bound));
        // The extremes of n uniform numbers come this close to the bounds, except once in e^20.
        double gap = 2 * bound * 20 / values.Length;
        Assert.InRange(values.Max(), bound - gap, bound);
        Assert.InRange(values.Min(), -bound, -bound + gap);
        Assert.InRange(values.Average(), -6 * bound / Math.Sqrt(3.0 * values.Length), 6 * bound / Math.Sqrt(3.0 * values.Length));
    }

    [Fact]
    public void Linear_StartsUniformInOneOverRootFanIn()
    {
        using var layer = Linear(100, 300);

        FillsUniformly(layer.weight, 0.1);
        FillsUniformly(layer.bias, 0.1);
    }

    [Fact]
    public void Conv1d_StartsUniformInOneOverRootFanIn()
    {
        using var layer = Conv1d(50, 200, 4, groups: 2);

        FillsUniformly(layer.weight, 0.1);
        FillsUniformly(layer.bias, 0.1);
    }

    [Fact]
    public void SameSeed_GivesTheSameLayer_WeightBeforeBias()
    {
        manual_seed(5);
        using var layer = Linear(3, 2);
        manual_seed(5);
        double bound = 1 / Math.Sqrt(3);
        double[] weight = Numbers.Of(empty(2, 3).uniform_(-bound, bound)), bias = Numbers.Of(empty(2).uniform_(-bound, bound));

        Numbers.Equal(weight, layer.weight, Numbers.Float32Tolerance);
        Numbers.Equal(bias, layer.bias, Numbers.Float32Tolerance);
    }

    [Fact]
    public void Embedding_StartsStandardNormal()
    {
        using var layer = Embedding(200, 100);
        double[] values = Numbers.Of(layer.weight);

        Assert.InRange(values.Average(), -0.05, 0.05);
        Assert.InRange(values.Average(v => v * v), 0.95, 1.05);
        Assert.InRange(values.Max(), 3, 6);
    }

    [Fact]
    public void LayerNorm_StartsAsTheIdentityScale()
    {
        using var layer = LayerNorm(4);

        Numbers.Equal([1, 1, 1, 1], layer.weight);
        Numbers.Equal([0, 0, 0, 0], layer.bias);
    }

    [Fact]
    public void Xavier_DependsOnBothFans() => FillsUniformly(init.xavier_uniform_(empty(100, 200), gain: 2), 2 * Math.Sqrt(6.0 / 300));

    [Theory]
    [InlineData(init.FanInOut.FanIn, 400)]
    [InlineData(init.FanInOut.FanOut, 200)]
    public void Kaiming_DependsOnTheChosenFan(init.FanInOut mode, double fan)
    {
        FillsUniformly(init.kaiming_uniform_(empty(50, 100, 4), mode: mode, nonlinearity: init.NonlinearityType.ReLU), Math.Sqrt(6 / fan));
        double[] normal = Numbers.Of(init.kaiming_normal_(empty(50, 100, 4), a: Math.Sqrt(5), mode: mode));
        Assert.InRange(normal.Average(v => v * v) * fan * 3, 0.9, 1.1);
    }

    [Fact]
    public void UniformAndNormal_TakeTheirLimits_EvenOnParameters()
    {
        using var layer = Linear(100, 100);

        FillsUniformly(init.uniform_(layer.weight, -0.5, 0.5), 0.5);
        init.normal_(layer.weight, mean: 2, std: 0.1);
        Assert.InRange(Numbers.Of(layer.weight).Average(), 1.99, 2.01);
        Assert.InRange(Numbers.Of(layer.weight).Average(v => (v - 2) * (v - 2)), 0.009, 0.011);
        Assert.All(Numbers.Of(init.constant_(layer.bias, 0.25)), v => Assert.Equal(0.25, v));
        Assert.All(Numbers.Of(init.ones_(layer.bias)), v => Assert.Equal(1, v));
        Assert.All(Numbers.Of(init.zeros_(layer.bias)), v => Assert.Equal(0, v));
        Assert.True(layer.weight!.requires_grad && layer.weight!.is_leaf);
    }

    [Fact]
    public void Generator_DecidesTheNumbers()
    {
        using var a = new Generator(9);
        using var b = new Generator(9);

        Numbers.Equal(Numbers.Of(init.normal_(empty(8), generator: a)), init.normal_(empty(8), generator: b));
        Numbers.Equal(Numbers.Of(init.uniform_(empty(8), generator: a)), init.uniform_(empty(8), generator: b));
    }

    [Fact]
    public void FansOfAVector_Throw() => Assert.Throws<ArgumentException>(() => init.xavier_uniform_(empty(3)));

    [Theory]
    [InlineData(init.NonlinearityType.Linear, 0, 1)]
    [InlineData(init.NonlinearityType.Tanh, 0, 5.0 / 3)]
    [InlineData(init.NonlinearityType.LeakyReLU, 2, 0.63245553203367588)]
    public void Gain_IsTheKnownConstant(init.NonlinearityType type, double slope, double gain) => Assert.Equal(gain, init.calculate_gain(type, slope), 1e-15);
}
