using Maha.Layers.Blocks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Blocks;

public class FeedForwardTests
{
    [Fact]
    public void Gradients_EqualCentralDifferences()
    {
        using var scope = NewDisposeScope();
        using var feedForward = TestTensors.Prepared(new FeedForward(4, 9), seed: 1);
        var hidden = TestTensors.Random(2, 2, 3, 4);
        TestTensors.AssertGradients(() => feedForward.call(hidden).square().sum(),
            [("hidden", hidden), .. feedForward.named_parameters().Select(named => (named.name, (Tensor)named.parameter))]);
    }

    // Libtorch's GELU is used where the library's kernel is not. Its float32 gradient was wrong for some layouts in libtorch 1.13.
    public static TheoryData<string, long[], Func<Tensor, Tensor>, Func<Tensor, Tensor>> Layouts => new()
    {
        { "contiguous", [2, 24, 40], x => x, y => y },
        { "gradient transposed", [2, 24, 40], x => x, y => y.transpose(1, 2) },
        { "input transposed", [2, 40, 24], x => x.transpose(1, 2), y => y },
        { "both transposed", [2, 40, 24], x => x.transpose(1, 2), y => y.transpose(1, 2) },
        { "matrix, gradient transposed", [24, 40], x => x, y => y.t() },
        { "gradient expanded", [2, 24, 40], x => x, y => y.sum(1, keepdim: true) },
        { "input narrowed", [2, 24, 80], x => x.narrow(2, 5, 40), y => y },
        { "gradient narrowed", [2, 24, 40], x => x, y => y.narrow(2, 3, 20) },
        { "input with channels last", [2, 3, 24, 40], x => x.permute(0, 2, 3, 1), y => y.permute(0, 3, 1, 2) },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void GeluGradient_IsRight_InEveryLayout(string layout, long[] shape, Func<Tensor, Tensor> ofInput, Func<Tensor, Tensor> ofOutput)
    {
        for (int repeat = 0; repeat < 5; repeat++)
        {
            using var scope = NewDisposeScope();
            var values = TestTensors.Random(repeat, shape);
            var upstream = TestTensors.Random(repeat + 100, ofOutput(ofInput(values)).shape);
            var (exact, single) = (Gradient(ScalarType.Float64), Gradient(ScalarType.Float32));
            Assert.True(TestTensors.Difference(exact, single) <= 1e-6, $"{layout}: {TestTensors.Difference(exact, single)}");

            Tensor Gradient(ScalarType type)
            {
                var leaf = values.to(type).detach().requires_grad_(true);
                (ofOutput(functional.gelu(ofInput(leaf))) * upstream.to(type)).sum().backward();
                return leaf.grad!;
            }
        }
    }

    [Fact]
    public void WrongInput_Throws()
    {
        using var scope = NewDisposeScope();
        using var feedForward = new FeedForward(4, 9);
        Assert.Contains("4 wide (dModel)", Assert.Throws<ArgumentException>(() => feedForward.call(zeros(1, 2, 5))).Message);
        Assert.Contains("[batch, length, 4]", Assert.Throws<ArgumentException>(() => feedForward.call(zeros(2, 4))).Message);
        Assert.Contains("Float64", Assert.Throws<ArgumentException>(() => feedForward.call(zeros([1, 2, 4], ScalarType.Float64))).Message);
        Assert.Contains("dropout must lie in [0, 1)", Assert.Throws<ArgumentOutOfRangeException>(() => new FeedForward(4, 9, double.NaN)).Message);
    }
}
