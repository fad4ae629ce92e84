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

    [Fact]
    public void PackedOutputs_AreThoseOfTheLayersSideBySide()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (Linear(20, 8, dtype: ScalarType.Float64), Linear(20, 12, dtype: ScalarType.Float64));
        var input = SeededTensors.Random(1, ScalarType.Float64, 2, 5, 20).requires_grad_();
        var incoming = SeededTensors.Random(4, ScalarType.Float64, 2, 5, 20);
        cat([first.call(input), second.call(input)], 2).backward([incoming]);
        Tensor[] parameters = [input, first.weight!, first.bias!, second.weight!, second.bias!];
        Tensor[] expected = [.. parameters.Select(parameter => parameter.grad!.clone())];
        foreach (var parameter in parameters)
            parameter.grad!.zero_();
        var packed = LinearFunction.ApplyPacked(input, first, second);
        packed.backward([incoming]);
        SeededTensors.Near(cat([first.call(input), second.call(input)], 2), packed, 1e-12, "output");
        for (int i = 0; i < parameters.Length; i++)
            SeededTensors.Near(expected[i], parameters[i].grad!, 1e-12, $"gradient {i}");
    }
}
