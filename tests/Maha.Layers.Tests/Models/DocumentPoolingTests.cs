using Maha.Layers.Core;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

public sealed class DocumentPoolingTests
{
    private const int Batch = 3, Length = 4, Width = 5;

    [Theory]
    [InlineData(PoolingKind.Mean, Width)]
    [InlineData(PoolingKind.Max, Width)]
    [InlineData(PoolingKind.MeanMax, 2 * Width)]
    [InlineData(PoolingKind.Attentive, Width)]
    public void Pooled_IsThatOfTheValidTokensAlone(PoolingKind kind, int width)
    {
        using var scope = NewDisposeScope();
        using var pooling = TestTensors.Prepared(new DocumentPooling(Width, kind), seed: 3);
        var features = TestTensors.Random(8, Batch, Length, Width);
        var mask = tensor(new[] { false, false, true, true, false, false, false, false, true, true, true, true }).reshape(Batch, Length);
        var pooled = pooling.call(features.masked_fill(mask.unsqueeze(-1), double.NaN), mask);
        Assert.Equal(width, pooling.OutputDim);
        Assert.Equal([Batch, width], pooled.shape);
        TestTensors.AssertClose(pooling.call(features.narrow(0, 0, 1).narrow(1, 0, 2), null)[0], pooled[0], Tolerances.SameFormula);
        TestTensors.AssertClose(pooling.call(features.narrow(0, 1, 1), null)[0], pooled[1], Tolerances.SameFormula);
        TestTensors.AssertClose(zeros_like(pooled[2]), pooled[2], 0);
    }

    [Fact]
    public void Values_EqualDoubleLoops()
    {
        using var scope = NewDisposeScope();
        var features = TestTensors.Random(9, 1, Length, Width);
        using var pooling = TestTensors.Prepared(new DocumentPooling(Width, PoolingKind.Attentive), seed: 4);
        using var both = new DocumentPooling(Width, PoolingKind.MeanMax);
        double[] weights = pooling.get_parameter("scores.weight")!.data<double>().ToArray();
        double[] x = features.data<double>().ToArray();
        double[] scores = [.. Enumerable.Range(0, Length).Select(i => Enumerable.Range(0, Width).Sum(d => weights[d] * x[i * Width + d]))];
        double total = scores.Sum(Math.Exp);
        for (int d = 0; d < Width; d++)
        {
            double[] column = [.. Enumerable.Range(0, Length).Select(i => x[i * Width + d])];
            double attended = column.Zip(scores, (value, score) => value * Math.Exp(score) / total).Sum();
            Assert.Equal(attended, pooling.call(features, null)[0, d].item<double>(), 1e-12);
            Assert.Equal(column.Average(), both.call(features, null)[0, d].item<double>(), 1e-12);
            Assert.Equal(column.Max(), both.call(features, null)[0, Width + d].item<double>());
        }
    }

    [Theory]
    [InlineData(PoolingKind.MeanMax)]
    [InlineData(PoolingKind.Attentive)]
    public void Gradients_OfPaddingAreZero_AndFinite(PoolingKind kind)
    {
        using var scope = NewDisposeScope();
        using var pooling = TestTensors.Prepared(new DocumentPooling(Width, kind), seed: 5);
        var features = TestTensors.Random(10, Batch, Length, Width).requires_grad_();
        var mask = tensor(new[] { false, false, true, true, false, false, false, false, true, true, true, true }).reshape(Batch, Length);
        pooling.call(features, mask).pow(2).sum().backward();
        var gradient = features.grad!;
        Assert.True(gradient.isfinite().all().item<bool>());
        Assert.Equal(0, gradient.masked_fill(mask.logical_not().unsqueeze(-1), 0).abs().sum().item<double>());
        Assert.NotEqual(0, gradient.abs().sum().item<double>());
    }

    [Theory]
    [InlineData(PoolingKind.Mean, true)]
    [InlineData(PoolingKind.Max, true)]
    [InlineData(PoolingKind.MeanMax, true)]
    [InlineData(PoolingKind.Attentive, true)]
    [InlineData(PoolingKind.MeanMax, false)]
    public void WhatIsKnownOfABatch_ChangesNeitherVectorsNorGradients(PoolingKind kind, bool hasEmptyDocument)
    {
        using var scope = NewDisposeScope();
        using var pooling = TestTensors.Prepared(new DocumentPooling(Width, kind), seed: 5);
        int[] lengths = [2, Length, hasEmptyDocument ? 0 : 1];
        var mask = TokenMasks.Invalid(lengths, Length, CPU);
        var clear = TestTensors.Random(10, Batch, Length, Width).masked_fill(mask.unsqueeze(-1), 0);
        var (plain, informed) = (clear.detach().clone().requires_grad_(), clear.detach().clone().requires_grad_());
        var expected = pooling.call(plain, mask);
        expected.pow(2).sum().backward();
        using var known = new KnownTokens(zeros(Batch, Length, ScalarType.Int64), (0, 0), mask, lengths);
        var actual = pooling.Pool(informed, mask, isClear: true);
        actual.pow(2).sum().backward();
        TestTensors.AssertClose(expected, actual, 0);
        // The gradient of what is known to be 0 has no use, and need not be computed.
        TestTensors.AssertClose(plain.grad!, informed.grad!.masked_fill(mask.unsqueeze(-1), 0), 0);
    }

    [Fact]
    public void UnknownKind_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => new DocumentPooling(Width, (PoolingKind)17));
}
