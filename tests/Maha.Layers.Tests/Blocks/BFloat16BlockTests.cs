using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Blocks;

/// <summary>The tensor operators that other types and devices use instead of the float32 kernels: bfloat16 on the CPU uses them too.</summary>
public class BFloat16BlockTests
{
    private const int D = 16;

    [Theory]
    [InlineData(AttentionKind.Maha, AggregationKind.Convex, false)]
    [InlineData(AttentionKind.Maha, AggregationKind.Nash, false)]
    [InlineData(AttentionKind.Maha, AggregationKind.Mean, false)]
    [InlineData(AttentionKind.Maha, AggregationKind.Gated, false)]
    [InlineData(AttentionKind.Maha, AggregationKind.Convex, true)]
    [InlineData(AttentionKind.Window, AggregationKind.Mean, false)]
    [InlineData(AttentionKind.Full, AggregationKind.Mean, true)]
    public void BFloat16_IsNearFloat32_ValuesAndGradients(AttentionKind attention, AggregationKind aggregation, bool isCausal)
    {
        using var scope = NewDisposeScope();
        var results = new[] { ScalarType.Float32, ScalarType.BFloat16 }.Select(type =>
        {
            var block = TestTensors.Prepared(new MahaBlock(new MahaBlockOptions
            {
                DModel = D,
                NumHeads = 2,
                FeedForwardDim = 24,
                MaxSequenceLength = 40,
                IsCausal = isCausal,
                Dropout = 0,
            }.With(window: 4, attention: attention, aggregation: aggregation)), 3, scale: 0.1);
            block.to(type);
            var input = TestTensors.Random(1, 2, 33, D).to(type).requires_grad_();
            var mask = new MixingContext { KeyPaddingMask = TokenMasks.Invalid([33, 12], 33, CPU) };
            var output = block.call(input, mask).Output.masked_fill(mask.KeyPaddingMask.unsqueeze(-1), 0);
            (output * TestTensors.Random(2, 2, 33, D).to(type)).sum().backward();
            return (output, Gradient: input.grad!);
        }).ToArray();

        // bfloat16 has 8 significant bits, and about a dozen operations follow each other.
        SeededTensors.Near(results[0].output, results[1].output, 0.15, "output");
        SeededTensors.Near(results[0].Gradient, results[1].Gradient, 0.25, "input gradient");
    }
}
