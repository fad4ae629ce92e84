using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class FullAttentionTests
{
    private const int H = 2;
    private const int K = 5;

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    [InlineData(700)]
    public void EqualsDoubleLoops_ValuesAndGradients(int length)
    {
        using var scope = NewDisposeScope();
        int[] valid = [length, (length / 2) + 1];
        var inputs = Enumerable.Range(1, 3).Select(seed => SeededTensors.Random(seed, ScalarType.Float64, 2, length, H * K).requires_grad_()).ToArray();
        var incoming = SeededTensors.Random(4, ScalarType.Float64, 2, length, H * K);
        var output = Apply(inputs[0], inputs[1], inputs[2], valid);
        output.backward([incoming]);
        for (int document = 0; document < 2; document++)
        {
            for (int head = 0; head < H; head++)
            {
                double[,] Rows(Tensor tensor)
                {
                    double[] flat = SeededTensors.Values(tensor[document].narrow(1, head * K, K));
                    double[,] rows = new double[length, K];
                    Buffer.BlockCopy(flat, 0, rows, 0, flat.Length * sizeof(double));
                    return rows;
                }
                var slow = SlowWindowAttention.Run(Rows(inputs[0]), Rows(inputs[1]), Rows(inputs[2]), Rows(incoming), valid[document], length, causal: false);
                Near(slow.Output, Rows(output));
                Near(slow.Dq, Rows(inputs[0].grad!));
                Near(slow.Dk, Rows(inputs[1].grad!));
                Near(slow.Dv, Rows(inputs[2].grad!));
            }
        }
    }

    // As where one product makes all three.
    [Fact]
    public void PartsOfOneTensor_AreAsGoodAsTensors()
    {
        const int Length = 37;
        using var scope = NewDisposeScope();
        int[] valid = [Length, 20];
        var parts = Enumerable.Range(1, 3).Select(seed => SeededTensors.Random(seed, ScalarType.Float64, 2, Length, H * K).requires_grad_()).ToArray();
        var incoming = SeededTensors.Random(4, ScalarType.Float64, 2, Length, H * K);
        var expected = Apply(parts[0], parts[1], parts[2], valid);
        expected.backward([incoming]);
        var packed = cat(parts, 2).detach().requires_grad_();
        var views = packed.chunk(3, 2);
        var actual = Apply(views[0], views[1], views[2], valid);
        actual.backward([incoming]);
        TestTensors.AssertClose(expected, actual, Tolerances.SameFormula);
        TestTensors.AssertClose(cat([.. parts.Select(part => part.grad!)], 2), packed.grad!, Tolerances.SameFormula);
    }

    [Theory]
    [InlineData(ScalarType.Float32, false)]
    [InlineData(ScalarType.Float32, true)]
    [InlineData(ScalarType.BFloat16, false)]
    [InlineData(ScalarType.BFloat16, true)]
    public void ADocumentWithoutTokens_HasNoOutputAndNoGradient_AndChangesNoOther(ScalarType type, bool isCausal)
    {
        using var scope = NewDisposeScope();
        var (output, gradients) = Run([7, 0, 4]);
        var (alone, gradientsAlone) = Run([7, 7, 4]);
        Assert.Equal(0, output[1].abs().max().ToDouble());
        Assert.All(gradients, gradient => Assert.Equal(0, gradient[1].abs().max().ToDouble()));
        foreach (int document in new[] { 0, 2 })
        {
            Assert.True(output[document].equal(alone[document]).all().ToBoolean());
            Assert.All(gradients.Zip(gradientsAlone), pair => Assert.True(pair.First[document].equal(pair.Second[document]).all().ToBoolean()));
        }

        (Tensor Output, Tensor[] Gradients) Run(int[] valid)
        {
            Tensor[] inputs = [.. Enumerable.Range(1, 3).Select(
                seed => SeededTensors.Random(seed, ScalarType.Float64, 3, 7, H * K).to(type).detach().requires_grad_())];
            var result = Apply(inputs[0], inputs[1], inputs[2], valid, isCausal);
            result.backward([SeededTensors.Random(4, ScalarType.Float64, 3, 7, H * K).to(type)]);
            return (result, [.. inputs.Select(input => input.grad!)]);
        }
    }

    private static void Near(double[,] expected, double[,] actual) =>
        Assert.True(expected.Cast<double>().Zip(actual.Cast<double>(), (x, y) => Math.Abs(x - y)).Max() <= 1e-12);

    private static Tensor Apply(Tensor query, Tensor key, Tensor value, int[] valid, bool isCausal = false) =>
        FullAttention.Apply(query, key, value, H, valid, TokenMasks.Padding(valid, query.shape[1], query.device), isCausal);
}
