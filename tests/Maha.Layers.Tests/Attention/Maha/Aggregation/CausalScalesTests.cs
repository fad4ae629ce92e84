using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>The kernels of a causal model's aggregation against tensor operators.</summary>
public class CausalScalesTests
{
    private const int Width = 20;

    [Theory]
    [InlineData(1, 1, 3)]
    [InlineData(2, 37, 4)]
    [InlineData(1, 300, 2)]
    public void TokenGram_EqualsTensorOperators_ValuesAndGradients(int batch, int length, int numScales)
    {
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-12), (ScalarType.Float32, 1e-5) })
        {
            using var scope = NewDisposeScope();
            var (twin, rounded) = (Outputs(ScalarType.Float64), Outputs(type));
            var expected = CausalScales.TokenGramFallback(Scales(twin));
            var scales = Scales(rounded);
            var actual = CausalScales.TokenGram(scales, CausalScales.Available(scales, numScales));
            var incoming = SeededTensors.Random(9, ScalarType.Float64, expected.shape);
            expected.backward([incoming]);
            actual.backward([incoming.to(type)]);
            SeededTensors.Near(expected, actual, tolerance, "gram");
            for (int scale = 0; scale < twin.Length; scale++)
                SeededTensors.Near(twin[scale].grad!, rounded[scale].grad!, tolerance, $"gradient of scale {scale}");
        }

        int[] Lengths() => [.. Enumerable.Repeat(length, batch)];

        Tensor[] Outputs(ScalarType type) => [.. ScaleHierarchy.Causal(Lengths(), length, numScales, 2).Lengths.Select((rows, scale) =>
            SeededTensors.Random(scale, ScalarType.Float64, batch, rows, Width).to(type).requires_grad_())];

        ScaleOutputs Scales(Tensor[] outputs) => CausalScales.Upsample(
            outputs, ScaleHierarchy.Causal(Lengths(), length, numScales, 2), numScales, null, null);
    }
}
