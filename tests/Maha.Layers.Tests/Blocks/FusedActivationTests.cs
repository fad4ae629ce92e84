using Maha.Layers.Blocks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Blocks;

/// <summary>The fused passes of a block against torch's operators in float64.</summary>
public class FusedActivationTests
{
    [Theory]
    [InlineData(1, 5)]
    [InlineData(70, 16)]
    [InlineData(130, 37)]
    public void BiasAndGelu_EqualTorchInFloat64_ValuesAndGradients(int rows, int width)
    {
        using var scope = NewDisposeScope();
        var (input, bias, incoming) = (SeededTensors.Random(1, ScalarType.Float64, 2, rows, width) * 6, SeededTensors.Random(2, ScalarType.Float64, width),
            SeededTensors.Random(3, ScalarType.Float64, 2, rows, width));
        var (x, b) = (input.clone().requires_grad_(), bias.clone().requires_grad_());
        var expected = functional.gelu(x + b);
        expected.backward([incoming]);
        var (y, c) = (input.to(ScalarType.Float32).requires_grad_(), bias.to(ScalarType.Float32).requires_grad_());
        var actual = GeluFunction.Apply(y, c);
        actual.backward([incoming.to(ScalarType.Float32)]);
        SeededTensors.Near(expected, actual, 2e-6, "output");
        SeededTensors.Near(x.grad!, y.grad!, 2e-6, "input gradient");
        SeededTensors.Near(b.grad!, c.grad!, 2e-4, "bias gradient");
        using var guard = no_grad();
        SeededTensors.Near(expected, GeluFunction.Apply(input.to(ScalarType.Float32), c), 2e-6, "in place");
    }

    [Fact]
    public void Gelu_PropagatesNaN_AndIsExactForLargeInputs()
    {
        using var scope = NewDisposeScope();
        double[] values = SeededTensors.Values(GeluFunction.Apply(tensor(new[] { float.NaN, 50f, -50f, 0f, float.PositiveInfinity, 1e30f }), zeros(6)));
        Assert.True(double.IsNaN(values[0]));
        Assert.Equal([50, 0, 0, double.PositiveInfinity, (double)1e30f], values[1..].Select(Math.Abs));
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(300, 16)]
    [InlineData(70, 37)]
    public void ResidualNorm_EqualsTorch_ValuesAndGradients(int rows, int width)
    {
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-11), (ScalarType.Float32, 2e-4) })
        {
            using var scope = NewDisposeScope();
            Tensor[] Inputs(ScalarType kind) => [
                (SeededTensors.Random(1, ScalarType.Float64, 2, rows, width) + 3).to(kind).requires_grad_(),
                SeededTensors.Random(2, ScalarType.Float64, 2, rows, width).to(kind).requires_grad_(),
                SeededTensors.Random(3, ScalarType.Float64, width).to(kind).requires_grad_(),
                SeededTensors.Random(4, ScalarType.Float64, width).to(kind).requires_grad_()];
            var incoming = SeededTensors.Random(5, ScalarType.Float64, 2, rows, width);
            var twin = Inputs(ScalarType.Float64);
            var expected = functional.layer_norm(twin[0] + twin[1], [width], twin[2], twin[3], 1e-5);
            expected.backward([incoming]);
            var inputs = Inputs(type);
            var actual = ResidualNormFunction.Apply(inputs[0], inputs[1], inputs[2], inputs[3], 1e-5);
            actual.backward([incoming.to(type)]);
            SeededTensors.Near(expected, actual, tolerance, "output");
            for (int i = 0; i < inputs.Length; i++)
                SeededTensors.Near(twin[i].grad!, inputs[i].grad!, tolerance, $"gradient {i}");
            using var guard = no_grad();
            SeededTensors.Near(expected, ResidualNormFunction.Apply(inputs[0], inputs[1], inputs[2], inputs[3], 1e-5), tolerance, "without gradient");
        }
    }
}
