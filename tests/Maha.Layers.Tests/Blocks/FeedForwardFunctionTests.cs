using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Blocks;

/// <summary>The fused feed-forward layer and residual norm against the same modules, operator by operator, in float64.</summary>
public class FeedForwardFunctionTests
{
    private const double Tolerance = 5e-5;

    [Theory]
    [InlineData(1, 128, 16, 48)]
    [InlineData(1, 131, 32, 16)]
    [InlineData(2, 129, 48, 272)]
    [InlineData(1, 2051, 16, 32)]
    [InlineData(1, 40, 16, 32)]
    [InlineData(1, 130, 20, 30)]
    public void FeedForward_EqualsFloat64_ValuesAndGradients(int batch, int length, int width, int inner)
    {
        using var scope = NewDisposeScope();
        using var twin = TestTensors.Prepared(new FeedForward(width, inner, dropout: 0), seed: 1);
        using var single = TestTensors.Prepared(new FeedForward(width, inner, dropout: 0), seed: 1);
        single.to(ScalarType.Float32);
        var input = SeededTensors.Random(2, ScalarType.Float64, batch, length, width);
        var (x, y) = (input.clone().requires_grad_(), input.to(ScalarType.Float32).requires_grad_());
        var incoming = SeededTensors.Random(3, ScalarType.Float64, batch, length, width);
        var expected = twin.call(x);
        expected.backward([incoming]);
        var actual = single.call(y);
        actual.backward([incoming.to(ScalarType.Float32)]);
        SeededTensors.Near(expected, actual, Tolerance, "output");
        SeededTensors.Near(x.grad!, y.grad!, Tolerance, "input gradient");
        foreach (var ((name, wanted), (_, got)) in twin.named_parameters().Zip(single.named_parameters()))
            SeededTensors.Near(wanted.grad!, got.grad!, Tolerance * Math.Sqrt(batch * length), name);
        using var guard = no_grad();
        SeededTensors.Near(expected, single.call(y), Tolerance, "without gradient");
    }

    [Theory]
    [InlineData(AttentionKind.Hsa, 1, 131)]
    [InlineData(AttentionKind.HsaCausal, 2, 97)]
    [InlineData(AttentionKind.Maha, 1, 200)]
    [InlineData(AttentionKind.Full, 1, 129)]
    [InlineData(AttentionKind.Window, 2, 128)]
    public void BlockWithoutGradient_EqualsFloat64(AttentionKind attention, int batch, int length)
    {
        using var scope = NewDisposeScope();
        var options = new MahaBlockOptions { DModel = 32, NumHeads = 2, FeedForwardDim = 80, Dropout = 0, MaxSequenceLength = length }
            .With(attention: attention, window: 16);
        using var twin = TestTensors.Prepared(new MahaBlock(options), seed: 1);
        using var single = TestTensors.Prepared(new MahaBlock(options), seed: 1);
        single.to(ScalarType.Float32);
        var input = SeededTensors.Random(2, ScalarType.Float64, batch, length, 32);
        var mask = arange(length).unsqueeze(0).expand(batch, length).ge(length - 5);
        using var guard = no_grad();
        foreach (var context in new[] { MixingContext.Unpadded, new MixingContext { KeyPaddingMask = mask } })
            SeededTensors.Near(twin.call(input, context).Output, single.call(input.to(ScalarType.Float32), context).Output, 2e-4, "output");
    }
}
