using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Kernels;

[Collection(AloneCollection.Name)]
public sealed class DropoutKernelTests
{
    private const int Rows = 301, Columns = 257;

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void ShareOfDropped_IsTheProbability_InEveryRowAndColumn(double probability)
    {
        using var scope = NewDisposeScope();
        var dropped = DropoutFunction.Apply(ones(Rows, Columns), probability, seed: 7).eq(0).to(ScalarType.Float64);
        // Six standard deviations of a binomial share: with a uniform generator one in 10^6 seeds fails, and the seed is fixed.
        double Bound(int n) => 6 * Math.Sqrt(probability * (1 - probability) / n);
        Assert.InRange(dropped.mean().item<double>(), probability - Bound(Rows * Columns), probability + Bound(Rows * Columns));
        Assert.True((dropped.mean([1]) - probability).abs().max().item<double>() < Bound(Columns));
        Assert.True((dropped.mean([0]) - probability).abs().max().item<double>() < Bound(Rows));
        // Neighbors are independent: both dropped with probability p^2.
        var pairs = dropped.narrow(1, 1, Columns - 1) * dropped.narrow(1, 0, Columns - 1);
        Assert.Equal(probability * probability, pairs.mean().item<double>(), 0.01);
    }

    [Fact]
    public void KeptElements_AreScaled_DroppedAreZero_AndGradientsFollow()
    {
        using var scope = NewDisposeScope();
        var input = randn(Rows, Columns).requires_grad_();
        var output = DropoutFunction.Apply(input, 0.25, seed: 11);
        var kept = output.ne(0).to(ScalarType.Float32);
        Assert.True((output - (kept * input / 0.75)).abs().max().item<float>() < 1e-6);
        output.sum().backward();
        Assert.True((input.grad! - (kept / 0.75)).abs().max().item<float>() < 1e-6);
    }

    [Fact]
    public void WithoutDropout_HoldsOnOneThread_UntilTheOutermostEnds()
    {
        using var dropout = new ActivationDropout(0.5);
        using (new WithoutDropout())
        {
            using (new WithoutDropout())
                Assert.False(dropout.Drops);
            Assert.False(dropout.Drops);
            bool isDropping = false;
            var other = new Thread(() => isDropping = dropout.Drops);
            other.Start();
            other.Join();
            Assert.True(isDropping);
            using var input = ones(Rows, Columns);
            using var output = dropout.call(input);
            Assert.True(input.Equals(output));
            Assert.Equal(ActivationDrop.None, dropout.Draw());
        }
        Assert.True(dropout.Drops);
    }

    [Fact]
    public void Elements_DependOnTheSeed_NotOnThreadsOrType()
    {
        using var scope = NewDisposeScope();
        var input = ones(Rows, Columns);
        int threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var one = DropoutFunction.Apply(input, 0.3, seed: 5);
            set_num_threads(2);
            Assert.True(one.Equals(DropoutFunction.Apply(input, 0.3, seed: 5)));
            Assert.False(one.Equals(DropoutFunction.Apply(input, 0.3, seed: 6)));
            Assert.True(one.eq(0).Equals(DropoutFunction.Apply(input.to(ScalarType.Float64), 0.3, seed: 5).eq(0)));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void Module_DropsInTrainingOnly_AndRepeatsUnderASeed()
    {
        using var scope = NewDisposeScope();
        using var dropout = new ActivationDropout(0.5);
        var input = ones(Rows, Columns);
        dropout.eval();
        Assert.True(input.Equals(dropout.call(input)));
        dropout.train();
        using var state = random.get_rng_state();
        var first = dropout.call(input);
        Assert.False(first.Equals(dropout.call(input)));
        random.set_rng_state(state);
        Assert.True(first.Equals(dropout.call(input)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ActivationDropout(double.NaN));
    }
}
