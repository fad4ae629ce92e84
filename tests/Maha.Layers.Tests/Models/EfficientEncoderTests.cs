using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

/// <summary>Properties of the encoder with attentions that accept masks.</summary>
[Collection(AloneCollection.Name)]
public class EfficientEncoderTests
{
    private const int V = 17;

    public static TheoryData<AttentionKind, PositionKind> Kinds => new()
    {
        { AttentionKind.Maha, PositionKind.Learned }, { AttentionKind.Maha, PositionKind.Rotary }, { AttentionKind.Maha, PositionKind.None },
        { AttentionKind.Full, PositionKind.Learned }, { AttentionKind.Window, PositionKind.Rotary },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void PaddingAndItsContent_DoNotChangeFeatures(AttentionKind attention, PositionKind positions)
    {
        using var scope = NewDisposeScope();
        using var encoder = Build((s_options with { Positions = positions }).With(attention: attention));
        foreach (int n in new[] { 1, 5, 18, 37 })
        {
            var ids = TestTensors.RandomIds(n, V, 1, n);
            var alone = encoder.call(ids, MixingContext.Unpadded).Features;
            foreach (int seed in new[] { 1, 2 })
            {
                var padded = cat([ids, TestTensors.RandomIds(seed, V, 1, 20)], 1);
                var features = encoder.call(padded, new MixingContext { KeyPaddingMask = TokenMasks.Invalid([n], n + 20, CPU) }).Features;
                TestTensors.AssertClose(alone, features.narrow(1, 0, n), 1e-12);
                Assert.All(TestTensors.ToArray(features.narrow(1, n, 20)), value => Assert.Equal(0, value));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AllPaddingRows_GiveZero_AndDoNotChangeOtherRows(AttentionKind attention, PositionKind positions)
    {
        using var scope = NewDisposeScope();
        using var encoder = Build((s_options with { Positions = positions }).With(attention: attention));
        var ids = TestTensors.RandomIds(1, V, 3, 21);
        var together = encoder.call(ids, new MixingContext { KeyPaddingMask = TokenMasks.Invalid([21, 0, 9], 21, CPU) }).Features;
        Assert.All(TestTensors.ToArray(together[1]), value => Assert.Equal(0, value));
        TestTensors.AssertClose(encoder.call(ids.narrow(0, 2, 1).narrow(1, 0, 9), MixingContext.Unpadded).Features,
            together.narrow(0, 2, 1).narrow(1, 0, 9), 1e-12);
    }

    [Fact]
    public void WithoutLearnedPositions_LongerDocumentsThanTheModelWasMadeFor_Run()
    {
        using var scope = NewDisposeScope();
        using var encoder = Build(s_options with { Positions = PositionKind.Rotary });
        var features = encoder.call(TestTensors.RandomIds(1, V, 1, 150), MixingContext.Unpadded).Features;
        Assert.All(TestTensors.ToArray(features), value => Assert.True(double.IsFinite(value)));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    public void RecomputedBlocks_GiveTheSameFeaturesAndGradients(double dropout)
    {
        using var scope = NewDisposeScope();
        var results = new[] { false, true }.Select(recompute =>
        {
            var encoder = Build(s_options with { RecomputeBlocks = recompute, Dropout = dropout });
            encoder.train();
            random.manual_seed(3);
            var features = encoder.call(TestTensors.RandomIds(1, V, 2, 23), MixingContext.Unpadded).Features;
            features.square().sum().backward();
            return (features, Gradients: encoder.named_parameters().Where(entry => entry.parameter.grad is not null).ToDictionary(entry => entry.name,
                entry => entry.parameter.grad!));
        }).ToArray();
        TestTensors.AssertClose(results[0].features, results[1].features, 1e-12);
        Assert.Equal(results[0].Gradients.Keys.Order(), results[1].Gradients.Keys.Order());
        foreach (var (name, gradient) in results[0].Gradients)
            TestTensors.AssertClose(gradient, results[1].Gradients[name], 1e-11);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TrainingSteps_LeaveNoTensorsBehind(AttentionKind attention, PositionKind positions)
    {
        using var encoder = Build((s_options with { Positions = positions }).With(attention: attention));
        using var ids = TestTensors.RandomIds(1, V, 2, 30);
        Step();
        long before = TestTensors.CountLive();
        for (int i = 0; i < 3; i++)
            Step();
        TestTensors.AssertLiveAtMost(before);

        void Step()
        {
            using var scope = NewDisposeScope();
            encoder.call(ids, MixingContext.Unpadded).Features.square().sum().backward();
        }
    }

    private static readonly MahaTransformerOptions s_options = new MahaTransformerOptions
    {
        VocabSize = V,
        MaxSequenceLength = 64,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 20,
        Dropout = 0,
    }.With(window: 4, aggregation: AggregationKind.Convex);

    private static MahaEncoder Build(MahaTransformerOptions options) => TestTensors.Prepared(new MahaEncoder(options), 11);
}
