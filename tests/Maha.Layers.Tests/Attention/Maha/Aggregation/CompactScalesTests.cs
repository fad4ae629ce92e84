using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class CompactScalesTests
{
    private const int D = 12;

    public static TheoryData<int, int, int, int> Shapes => new() { { 1, 2, 3, 4 }, { 13, 2, 3, 2 }, { 29, 3, 3, 2 }, { 1500, 2, 6, 30 }, { 64, 2, 1, 128 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Gram_EqualsPlainOperators_ValuesAndGradients(int length, int ratio, int numScales, int window)
    {
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-12), (ScalarType.Float32, 1e-5) })
        {
            using var scope = NewDisposeScope();
            Check(length, ratio, numScales, window, type, tolerance, compact => compact.Gram(), compact => compact.GramFallback());
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Mix_EqualsUpsampledSum_ValuesAndGradients(int length, int ratio, int numScales, int window)
    {
        using var scope = NewDisposeScope();
        var weights = SeededTensors.Random(9, ScalarType.Float64, 3, length, numScales);
        Check(length, ratio, numScales, window, ScalarType.Float64, 1e-12, compact => compact.Mix(weights), compact =>
        {
            // A scale that a document doesn't use has the weight 0, whatever its content is.
            var used = weights.masked_fill(compact.Unavailable(CPU).unsqueeze(1), 0);
            var sum = zeros_like(compact.Outputs[0]);
            for (int s = 0; s < compact.Outputs.Count; s++)
                sum = sum + (compact.Upsample(compact.Outputs[s], s) * used.narrow(2, s, 1));
            return sum.masked_fill(Layers.Core.TokenMasks.Invalid(compact.Hierarchy.ValidLengths[0], length, CPU).unsqueeze(-1), 0);
        });
    }

    [Fact]
    public void Mix_WeightGradient_EqualsUpsampledSum()
    {
        using var scope = NewDisposeScope();
        var compact = Make(29, 2, 3, 4, ScalarType.Float64);
        var weights = SeededTensors.Random(9, ScalarType.Float64, 3, 29, 3).requires_grad_();
        compact.Mix(weights).square().sum().backward();
        var first = weights.grad!.clone();
        weights.grad!.zero_();
        var used = weights.masked_fill(compact.Unavailable(CPU).unsqueeze(1), 0);
        var sum = Enumerable.Range(0, 3).Select(s => compact.Upsample(compact.Outputs[s], s) * used.narrow(2, s, 1)).Aggregate((a, b) => a + b);
        sum.masked_fill(Layers.Core.TokenMasks.Invalid(compact.Hierarchy.ValidLengths[0], 29, CPU).unsqueeze(-1), 0).square().sum().backward();
        SeededTensors.Near(weights.grad!, first, 1e-12, "weight gradient");
    }

    [Fact]
    public void Gram_OfEqualScales_IsOnesTimesTheShareOfTheMeanSquare()
    {
        using var scope = NewDisposeScope();
        var rows = SeededTensors.Random(1, ScalarType.Float64, 1, 10, D);
        var compact = CompactScales.From(new ScaleOutputs([rows, rows.clone()]), 2);
        double[] gram = SeededTensors.Values(compact.Gram());
        Assert.All(gram, value => Assert.Equal(1, value, 1e-5));
    }

    private static void Check(int length, int ratio, int numScales, int window, ScalarType type, double tolerance, Func<CompactScales, Tensor> first,
        Func<CompactScales, Tensor> second)
    {
        var results = new[] { first, second }.Select(run =>
        {
            var compact = Make(length, ratio, numScales, window, type);
            var output = run(compact);
            output.backward([SeededTensors.Random(5, type, output.shape)]);
            return (output, compact);
        }).ToArray();
        SeededTensors.Near(results[1].output, results[0].output, tolerance, "output");
        for (int s = 0; s < results[0].compact.Outputs.Count; s++)
            SeededTensors.Near(results[1].compact.Outputs[s].grad!, results[0].compact.Outputs[s].grad!, tolerance, $"gradient of scale {s}");
    }

    private static CompactScales Make(int length, int ratio, int numScales, int window, ScalarType type)
    {
        int[] valid = [length, (length / 3) + 1, 0];
        var hierarchy = new ScaleHierarchy(valid, length, numScales, ratio, window);
        var outputs = Enumerable.Range(0, hierarchy.Count).Select(s =>
        {
            var rows = SeededTensors.Random(100 + s, type, 3, hierarchy.Lengths[s], D);
            return rows.masked_fill(Layers.Core.TokenMasks.Invalid(hierarchy.ValidLengths[s], hierarchy.Lengths[s], CPU).unsqueeze(-1), 0).requires_grad_();
        }).ToArray();
        return new CompactScales(outputs, hierarchy, numScales);
    }
}
