using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

/// <summary>No later token changes an earlier output, through all layers of the encoder.</summary>
[Collection(AloneCollection.Name)]
public class CausalEncoderTests
{
    private const int V = 17;
    private const int N = 41;

    public static TheoryData<AttentionKind, AggregationKind, DecompositionKind, PositionKind, int> Kinds => new()
    {
        { AttentionKind.Maha, AggregationKind.Convex, DecompositionKind.StridedConvolution, PositionKind.Learned, 2 },
        { AttentionKind.Maha, AggregationKind.Convex, DecompositionKind.AdaptiveMaxPool, PositionKind.Rotary, 3 },
        { AttentionKind.Maha, AggregationKind.Nash, DecompositionKind.StridedConvolution, PositionKind.Rotary, 3 },
        { AttentionKind.Maha, AggregationKind.Mean, DecompositionKind.StridedConvolution, PositionKind.None, 2 },
        { AttentionKind.Maha, AggregationKind.Gated, DecompositionKind.AdaptiveMaxPool, PositionKind.None, 2 },
        { AttentionKind.Maha, AggregationKind.Softmax, DecompositionKind.StridedConvolution, PositionKind.None, 2 },
        { AttentionKind.Full, AggregationKind.Mean, DecompositionKind.StridedConvolution, PositionKind.Learned, 2 },
        { AttentionKind.Window, AggregationKind.Mean, DecompositionKind.StridedConvolution, PositionKind.Rotary, 2 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void LaterTokens_ChangeNoEarlierFeature_Bitwise(AttentionKind attention, AggregationKind aggregation, DecompositionKind decomposition,
        PositionKind positions, int ratio)
    {
        foreach (var type in new[] { ScalarType.Float64, ScalarType.Float32 })
        {
            using var scope = NewDisposeScope();
            using var encoder = Build(attention, aggregation, decomposition, positions, ratio, type);
            var ids = TestTensors.RandomIds(1, V, 2, N);
            var features = encoder.call(ids, MixingContext.Unpadded).Features;
            foreach (int from in new[] { 1, 2, 7, 8, 20, 31, 40 })
            {
                var changed = cat([ids.narrow(1, 0, from), TestTensors.RandomIds(from, V, 2, N - from)], 1);
                double[] expected = TestTensors.ToArray(features.narrow(1, 0, from)),
                actual = TestTensors.ToArray(encoder.call(changed, MixingContext.Unpadded).Features.narrow(1, 0, from));
                Assert.Equal(expected, actual);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ShorterDocument_HasTheSameFeatures(AttentionKind attention, AggregationKind aggregation, DecompositionKind decomposition,
        PositionKind positions, int ratio)
    {
        using var scope = NewDisposeScope();
        using var encoder = Build(attention, aggregation, decomposition, positions, ratio, ScalarType.Float64);
        var ids = TestTensors.RandomIds(1, V, 1, N);
        var features = encoder.call(ids, MixingContext.Unpadded).Features;
        foreach (int n in new[] { 1, 2, 3, 7, 8, 9, 26, 40 })
        {
            TestTensors.AssertClose(features.narrow(1, 0, n), encoder.call(ids.narrow(1, 0, n), MixingContext.Unpadded).Features, 1e-12);
            var padded = encoder.call(ids, new MixingContext { KeyPaddingMask = TokenMasks.Invalid([n], N, CPU) }).Features;
            TestTensors.AssertClose(features.narrow(1, 0, n), padded.narrow(1, 0, n), 1e-12);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void GradientOfAnOutput_ByLaterInputs_IsExactlyZero_AndEqualsCentralDifferences(AttentionKind attention, AggregationKind aggregation,
        DecompositionKind decomposition, PositionKind positions, int ratio)
    {
        using var scope = NewDisposeScope();
        using var encoder = Build(attention, aggregation, decomposition, positions, ratio, ScalarType.Float64);
        var block = encoder.Blocks[0];
        var input = TestTensors.Random(4, 1, N, 12);
        foreach (int token in new[] { 0, 1, 8, 25, 40 })
        {
            var hidden = input.clone().requires_grad_();
            var direction = TestTensors.Random(token, 12);
            (block.call(hidden, MixingContext.Unpadded).Output.select(1, token) * direction).sum().backward();
            if (token < N - 1)
                Assert.All(TestTensors.ToArray(hidden.grad!.narrow(1, token + 1, N - token - 1)), gradient => Assert.Equal(0, gradient));
            Assert.Contains(TestTensors.ToArray(hidden.grad!.select(1, token)), gradient => gradient != 0);
        }
        TestTensors.AssertGradients(() => block.call(input, MixingContext.Unpadded).Output.square().sum(), [("input", input)]);
    }

    [Fact]
    public void DocumentGranularity_IsRefused()
    {
        var options = new MahaBlockOptions { IsCausal = true }.With(granularity: WeightGranularity.Document);
        Assert.Contains("depends on later tokens", Assert.Throws<ArgumentException>(options.Validate).Message);
    }

    private static MahaEncoder Build(AttentionKind attention, AggregationKind aggregation, DecompositionKind decomposition,
        PositionKind positions, int ratio, ScalarType type)
    {
        var encoder = TestTensors.Prepared(new MahaEncoder(new MahaTransformerOptions
        {
            VocabSize = V,
            MaxSequenceLength = 64,
            DModel = 12,
            NumHeads = 3,
            NumLayers = 2,
            FeedForwardDim = 20,
            Dropout = 0,
            IsCausal = true,
            Positions = positions,
        }.With(window: 4, attention: attention, aggregation: aggregation, decomposition: decomposition, compressionRatio: ratio, costPrice: 0.2)), 11);
        encoder.to(type);
        return encoder;
    }
}
