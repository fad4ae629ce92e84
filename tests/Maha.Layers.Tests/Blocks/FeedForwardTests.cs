using Maha.Layers.Blocks;
using TorchSharp;
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

    /// <summary>libtorch 1.13's oneDNN gives NaN or garbage here without the guard, in nearly every repeat.</summary>
    [Fact]
    public void GeluGradient_IsRight_WhenTheGradientComesTransposed()
    {
        for (int repeat = 0; repeat < 20; repeat++)
        {
            using var scope = NewDisposeScope();
            var exact = TestTensors.Random(repeat, 2, 24, 40).requires_grad_(true);
            var upstream = TestTensors.Random(repeat + 100, 2, 40, 24);
            (functional.gelu(exact).transpose(1, 2) * upstream).sum().backward();

            var single = exact.detach().to(ScalarType.Float32).requires_grad_(true);
            (Activation.Gelu(single).transpose(1, 2) * upstream.to(ScalarType.Float32)).sum().backward();
            TestTensors.AssertClose(exact.grad!, single.grad!, 1e-5);
        }
    }

    [Fact]
    public void GeluGradient_IsRight_BehindAConvolution()
    {
        using var scope = NewDisposeScope();
        var weight = TestTensors.Random(1, 24, 24, 3);
        var input = TestTensors.Random(2, 2, 24, 40);
        var upstream = TestTensors.Random(3, 2, 40, 24);
        var exact = Gradient(ScalarType.Float64);
        TestTensors.AssertClose(exact, Gradient(ScalarType.Float32), 1e-5);

        Tensor Gradient(ScalarType type)
        {
            var leaf = input.to(type).clone().requires_grad_(true);
            (Activation.Gelu(functional.conv1d(leaf, weight.to(type), null, 1, 1)).transpose(1, 2) * upstream.to(type)).sum().backward();
            return leaf.grad!;
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
