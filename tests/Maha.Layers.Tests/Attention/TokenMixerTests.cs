using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>Properties of every mixer that accepts masks.</summary>
[Collection(AloneCollection.Name)]
public class TokenMixerTests
{
    private const int D = 12;
    private const int H = 3;

    public static TheoryData<AttentionKind, AggregationKind, DecompositionKind, PositionKind, int> Variants
    {
        get
        {
            var data = new TheoryData<AttentionKind, AggregationKind, DecompositionKind, PositionKind, int>();
            foreach (var aggregation in new[] { AggregationKind.Convex, AggregationKind.Nash, AggregationKind.Mean,
                AggregationKind.Gated, AggregationKind.Softmax })
            {
                data.Add(AttentionKind.Maha, aggregation, DecompositionKind.StridedConvolution, PositionKind.None, 2);
            }
            data.Add(AttentionKind.Maha, AggregationKind.Convex, DecompositionKind.AdaptiveMaxPool, PositionKind.Rotary, 3);
            data.Add(AttentionKind.Maha, AggregationKind.Nash, DecompositionKind.AdaptiveMaxPool, PositionKind.Rotary, 2);
            data.Add(AttentionKind.Full, AggregationKind.Mean, DecompositionKind.StridedConvolution, PositionKind.Rotary, 2);
            data.Add(AttentionKind.Window, AggregationKind.Mean, DecompositionKind.StridedConvolution, PositionKind.Rotary, 2);
            data.Add(AttentionKind.Hsa, AggregationKind.Mean, DecompositionKind.StridedConvolution, PositionKind.Rotary, 2);
            data.Add(AttentionKind.HsaCausal, AggregationKind.Mean, DecompositionKind.StridedConvolution, PositionKind.Rotary, 2);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Padding_DoesNotChangeOutputsOfValidTokens(AttentionKind attention, AggregationKind aggregation, DecompositionKind decomposition,
        PositionKind positions, int ratio)
    {
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-12), (ScalarType.Float32, 1e-5) })
        {
            using var scope = NewDisposeScope();
            var mixer = Build(attention, aggregation, decomposition, positions, ratio, type);
            foreach (int n in new[] { 1, 3, 8, 9, 31, 50 })
            {
                var tokens = SeededTensors.Random(n, type, 1, n, D);
                var alone = mixer.call(tokens, MixingContext.Unpadded).Output;
                foreach (int extra in new[] { 1, 7, 40 })
                {
                    var filler = full([1, extra, D], 1e3, type);
                    var padded = mixer.call(cat([tokens, filler], 1), Mask(n + extra, n)).Output;
                    SeededTensors.Near(alone, padded.narrow(1, 0, n), tolerance, $"n {n} padded by {extra}");
                    Assert.All(SeededTensors.Values(padded.narrow(1, n, extra)), value => Assert.Equal(0, value));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Batch_DoesNotChangeOutputsOfADocument(AttentionKind attention, AggregationKind aggregation, DecompositionKind decomposition,
        PositionKind positions, int ratio)
    {
        using var scope = NewDisposeScope();
        var mixer = Build(attention, aggregation, decomposition, positions, ratio, ScalarType.Float64);
        int[] lengths = [50, 1, 17, 0, 33];
        var batch = SeededTensors.Random(1, ScalarType.Float64, lengths.Length, 50, D);
        var together = mixer.call(batch, Mask(50, lengths)).Output;
        for (int document = 0; document < lengths.Length; document++)
        {
            int n = lengths[document];
            Assert.All(SeededTensors.Values(together[document].narrow(0, n, 50 - n)), value => Assert.Equal(0, value));
            if (n > 0)
            {
                SeededTensors.Near(mixer.call(batch.narrow(0, document, 1).narrow(1, 0, n), MixingContext.Unpadded).Output,
                    together.narrow(0, document, 1).narrow(1, 0, n), 1e-12, $"document {document}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Gradients_EqualCentralDifferences(AttentionKind attention, AggregationKind aggregation, DecompositionKind decomposition,
        PositionKind positions, int ratio)
    {
        using var scope = NewDisposeScope();
        var mixer = Build(attention, aggregation, decomposition, positions, ratio, ScalarType.Float64);
        var direction = SeededTensors.Random(7, ScalarType.Float64, 2, 31, D);
        var input = SeededTensors.Random(8, ScalarType.Float64, 2, 31, D).requires_grad_();
        var mask = Mask(31, 31, 14);
        (mixer.call(input, mask).Output * direction).sum().backward();
        Check("input", input);
        foreach (var (name, parameter) in mixer.named_parameters())
        {
            if (parameter.grad is not null)
                Check(name, parameter);
        }

        void Check(string name, Tensor variable)
        {
            using var guard = no_grad();
            var step = SeededTensors.Random(name.Length, ScalarType.Float64, variable.shape) * 1e-6;
            double analytic = (variable.grad! * step).sum().item<double>();
            variable.add_(step);
            double above = (mixer.call(input, mask).Output * direction).sum().item<double>();
            variable.sub_(step * 2);
            double below = (mixer.call(input, mask).Output * direction).sum().item<double>();
            variable.add_(step);
            double numeric = (above - below) / 2;
            Assert.True(Math.Abs(numeric - analytic) <= 1e-6 * Math.Max(1e-6, Math.Abs(analytic)) * 1e2 + 1e-11,
                $"{name}: analytic {analytic:R}, central difference {numeric:R}");
        }
    }

    [Theory]
    [InlineData(AggregationKind.Convex, DecompositionKind.StridedConvolution, 2)]
    [InlineData(AggregationKind.Nash, DecompositionKind.AdaptiveMaxPool, 3)]
    [InlineData(AggregationKind.Gated, DecompositionKind.StridedConvolution, 3)]
    [InlineData(AggregationKind.Mean, DecompositionKind.AdaptiveMaxPool, 2)]
    public void LocalResidual_DependsNeitherOnPaddingNorOnOtherDocuments(AggregationKind aggregation, DecompositionKind decomposition, int ratio)
    {
        using var scope = NewDisposeScope();
        var mixer = Build(AttentionKind.Maha, aggregation, decomposition, PositionKind.Rotary, ratio, ScalarType.Float64, residual: true);
        int[] lengths = [50, 1, 17, 0, 33];
        var tokens = SeededTensors.Random(1, ScalarType.Float64, lengths.Length, 50, D);
        var direction = SeededTensors.Random(2, ScalarType.Float64, lengths.Length, 50, D);
        var mask = Mask(50, lengths);
        // Padding may hold anything, whose products with gradients of 0 must not reach the weights.
        var input = tokens.masked_fill(mask.KeyPaddingMask!.unsqueeze(-1), double.NaN).requires_grad_();
        var together = mixer.call(input, mask).Output;
        (together * direction).sum().backward();
        var gradients = Gradients();
        foreach (var parameter in mixer.parameters())
            parameter.grad = null;
        for (int document = 0; document < lengths.Length; document++)
        {
            int n = lengths[document];
            Assert.All(SeededTensors.Values(together[document].narrow(0, n, 50 - n)), value => Assert.Equal(0, value));
            if (n == 0)
                continue;
            var own = tokens.narrow(0, document, 1).narrow(1, 0, n).clone().requires_grad_();
            var alone = mixer.call(own, MixingContext.Unpadded).Output;
            (alone * direction.narrow(0, document, 1).narrow(1, 0, n)).sum().backward();
            SeededTensors.Near(alone, together.narrow(0, document, 1).narrow(1, 0, n), 1e-12, $"document {document}");
            SeededTensors.Near(own.grad!, input.grad!.narrow(0, document, 1).narrow(1, 0, n), 1e-10, $"gradient of document {document}");
        }
        foreach (var (name, gradient) in Gradients())
            SeededTensors.Near(gradient, gradients[name], 1e-10, name);

        Dictionary<string, Tensor> Gradients() => mixer.named_parameters().Where(entry => entry.parameter.grad is not null)
            .ToDictionary(entry => entry.name, entry => entry.parameter.grad!.clone());
    }

    [Fact]
    public void EveryParameter_GetsAGradient_WhereAllScalesAreUsed()
    {
        using var scope = NewDisposeScope();
        var mixer = Build(AttentionKind.Maha, AggregationKind.Convex, DecompositionKind.StridedConvolution, PositionKind.None, 2, ScalarType.Float32);
        mixer.call(SeededTensors.Random(8, ScalarType.Float32, 1, 64, D), MixingContext.Unpadded).Output.square().sum().backward();
        Assert.All(mixer.named_parameters(),
            entry => Assert.True(entry.parameter.grad is not null && SeededTensors.Values(entry.parameter.grad).Any(g => g != 0), entry.name));
    }

    [Fact]
    public void PaddingBeforeATokens_IsRefused()
    {
        using var scope = NewDisposeScope();
        var mixer = Build(AttentionKind.Maha, AggregationKind.Convex, DecompositionKind.StridedConvolution, PositionKind.None, 2, ScalarType.Float32);
        var context = new MixingContext { KeyPaddingMask = tensor(new[] { false, true, false }, [1, 3]) };
        var error = Assert.Throws<ArgumentException>(() => mixer.call(SeededTensors.Random(8, ScalarType.Float32, 1, 3, D), context));
        Assert.Contains("on the right", error.Message);
    }

    [Fact]
    public void Forward_LeavesNoTensorsBehind()
    {
        using var outer = NewDisposeScope();
        var mixer = Build(AttentionKind.Maha, AggregationKind.Convex, DecompositionKind.StridedConvolution, PositionKind.Rotary, 2, ScalarType.Float32);
        var tokens = SeededTensors.Random(8, ScalarType.Float32, 1, 40, D);
        using var inner = NewDisposeScope();
        using (var result = mixer.call(tokens, MixingContext.Unpadded))
            Assert.InRange(inner.DisposablesCount, 1, 4);
        Assert.Equal(0, inner.DisposablesCount);
    }

    private static TokenMixer Build(AttentionKind attention, AggregationKind aggregation, DecompositionKind decomposition,
        PositionKind positions, int ratio, ScalarType type, bool residual = false)
    {
        random.manual_seed(5);
        var options = new MahaBlockOptions
        {
            DModel = D,
            NumHeads = H,
            FeedForwardDim = 24,
            MaxSequenceLength = 64,
            Dropout = 0,
            Positions = positions,
        }.With(attention: attention, window: 4, compressionRatio: ratio, aggregation: aggregation, decomposition: decomposition, costPrice: 0.3);
        var mixer = TokenMixers.Create(residual ? options with { Attention = (MahaOptions)options.Attention with { LocalResidual = true } } : options);
        mixer.to(type);
        mixer.eval();
        return mixer;
    }

    private static MixingContext Mask(int length, params int[] valid) => new() { KeyPaddingMask = TokenMasks.Invalid(valid, length, CPU) };
}
