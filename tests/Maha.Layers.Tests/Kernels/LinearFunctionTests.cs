using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Kernels;

public class LinearFunctionTests
{
    // Sums of up to 700 products of order 1 in float32.
    private const double Tolerance = 2e-4;

    [Theory]
    [InlineData(128, 16, 16, true)]
    [InlineData(131, 37, 48, true)]
    [InlineData(300, 700, 80, false)]
    [InlineData(517, 256, 112, true)]
    [InlineData(5, 20, 32, true)]
    [InlineData(200, 20, 30, true)]
    public void EqualsTorchInFloat64_ValuesAndGradients(int rows, int depth, int width, bool hasBias)
    {
        using var scope = NewDisposeScope();
        Tensor[] Inputs(ScalarType type) => [.. new[] { SeededTensors.Random(1, type, 1, rows, depth), SeededTensors.Random(2, type, width, depth),
            SeededTensors.Random(3, type, width) }.Select(t => t.requires_grad_())];
        var incoming = SeededTensors.Random(4, ScalarType.Float64, 1, rows, width);
        var (twin, inputs) = (Inputs(ScalarType.Float64), Inputs(ScalarType.Float32));
        var expected = functional.linear(twin[0], twin[1], hasBias ? twin[2] : null!);
        expected.backward([incoming]);
        var actual = LinearFunction.Apply(inputs[0], inputs[1], hasBias ? inputs[2] : null);
        actual.backward([incoming.to(ScalarType.Float32)]);
        SeededTensors.Near(expected, actual, Tolerance, "output");
        for (int i = 0; i < (hasBias ? 3 : 2); i++)
            SeededTensors.Near(twin[i].grad!, inputs[i].grad!, Tolerance, $"gradient {i}");
        using var guard = no_grad();
        SeededTensors.Near(expected, LinearFunction.Apply(inputs[0], inputs[1], hasBias ? inputs[2] : null), Tolerance, "without gradient");
    }
}
