using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using TorchSharp;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

[Collection(AloneCollection.Name)]
public class MahaLanguageModelTests
{
    private const int V = 23;

    public static TheoryData<AttentionKind, bool> Kinds => new()
    {
        { AttentionKind.Maha, true }, { AttentionKind.Maha, false }, { AttentionKind.Full, true }, { AttentionKind.Window, false },
        { AttentionKind.HsaCausal, true },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Loss_IsTheCrossEntropyOfTheLogits_InValueAndGradient(AttentionKind attention, bool tied)
    {
        foreach (double smoothing in new[] { 0, 0.15 })
        {
            using var scope = NewDisposeScope();
            using var model = Prepared(new MahaLanguageModel(Options(attention), tied), 3);
            var ids = RandomIds(1, V, 3, 14);
            var padding = stack([.. new[] { 14, 9, 1 }.Select(length => arange(14).ge(length))], 0);
            var loss = model.Loss(ids, padding, smoothing);
            Assert.Equal(13 + 8, loss.Count);
            loss.Mean.backward();
            var gradients = model.named_parameters().ToDictionary(pair => pair.name, pair => ToArray(pair.parameter.grad ?? zeros_like(pair.parameter)));
            model.zero_grad();

            var logits = model.call(ids, padding).Logits.narrow(1, 0, 13).reshape(-1, V);
            var targets = ids.narrow(1, 1, 13).masked_fill(padding.narrow(1, 1, 13), -100).reshape(-1);
            var expected = nn.functional.cross_entropy(logits, targets, label_smoothing: smoothing);
            expected.backward();
            AssertClose(expected, loss.Mean, Tolerances.SameFormula);
            foreach (var (name, parameter) in model.named_parameters())
                Assert.True(Difference(ToArray(parameter.grad ?? zeros_like(parameter)), gradients[name]) <= Tolerances.SameFormula, name);
        }
    }

    [Fact]
    public void Loss_InChunks_IsTheLossAtOnce()
    {
        // More rows than a chunk of this vocabulary holds, so that several chunks are summed.
        using var scope = NewDisposeScope();
        const int vocabulary = 1 << 17, rows = 70, width = 4;
        var (features, weight) = (Random(1, rows, width).requires_grad_(), (Random(2, vocabulary, width) * 0.1).requires_grad_());
        var targets = RandomIds(3, vocabulary, rows);
        var loss = NextTokenLossFunction.Apply(features, weight, targets, targets.ge(0).sum().ToInt64(), 0);
        loss.backward();
        var (byFeatures, byWeight) = (features.grad!.clone(), weight.grad!.clone());
        features.grad!.zero_();
        weight.grad!.zero_();
        var expected = nn.functional.cross_entropy(features.matmul(weight.t()), targets);
        expected.backward();
        AssertClose(expected, loss, Tolerances.SameFormula);
        AssertClose(features.grad!, byFeatures, Tolerances.SameFormula);
        AssertClose(weight.grad!, byWeight, Tolerances.SameFormula);
        AssertClose(expected, NextTokenLossFunction.PerRow(features, weight, targets).mean(), Tolerances.SameFormula);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void LogLikelihoods_AreThoseOfTheLogits_AndDecodingScoresTheNextToken(AttentionKind attention, bool tied)
    {
        using var scope = NewDisposeScope();
        using var model = Prepared(new MahaLanguageModel(Options(attention), tied), 3);
        var ids = RandomIds(1, V, 2, 11);
        var logits = model.call(ids, null).Logits;
        var expected = logits.log_softmax(-1).narrow(1, 0, 10).gather(2, ids.narrow(1, 1, 10).unsqueeze(2)).squeeze(2);
        AssertClose(expected, model.LogLikelihoods(ids, null), Tolerances.SameFormula);
        using var state = model.StartDecoding();
        AssertClose(logits.select(1, 5), model.Decode(ids.narrow(1, 0, 6), state), Tolerances.SameFormula);
        AssertClose(logits.select(1, 6), model.Decode(ids.narrow(1, 6, 1), state), Tolerances.SameFormula);
    }

    // The last token of a row is a target only, which the encoder does not read; -1 marks padding among the targets.
    [Theory]
    [InlineData(-1)]
    [InlineData(V)]
    public void AnIdOutsideTheVocabulary_IsRefused_WhereverItIs(int id)
    {
        using var scope = NewDisposeScope();
        using var model = new MahaLanguageModel(Options(AttentionKind.Maha));
        for (int place = 0; place < 4; place++)
        {
            var ids = RandomIds(1, V, 2, 4);
            ids[1, place] = id;
            foreach (var mask in new[] { null, tensor(new[] { false, false, false, true, false, false, false, false }, [2, 4]) })
            {
                Assert.Contains($"[0, {V})", Assert.Throws<ArgumentException>(() => model.Loss(ids, mask)).Message, StringComparison.Ordinal);
                Assert.Contains($"[0, {V})", Assert.Throws<ArgumentException>(() => model.LogLikelihoods(ids, mask)).Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void RowsOfOneToken_PredictNothing()
    {
        using var scope = NewDisposeScope();
        using var model = new MahaLanguageModel(Options(AttentionKind.Maha));
        Assert.Equal(0, model.Loss(RandomIds(1, V, 2, 1), null).Count);
        Assert.Equal(0, model.Loss(RandomIds(1, V, 1, 3), tensor(new[] { false, true, true }, [1, 3])).Count);
        Assert.Contains("two tokens",
            Assert.Throws<ArgumentException>(() => model.LogLikelihoods(RandomIds(1, V, 2, 1), null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TiedOutput_HasNoWeightsOfItsOwn()
    {
        using var tied = new MahaLanguageModel(Options(AttentionKind.Maha));
        using var untied = new MahaLanguageModel(Options(AttentionKind.Maha), tieOutput: false);
        Assert.Equal(V * 12, untied.parameters().Sum(p => p.numel()) - tied.parameters().Sum(p => p.numel()));
        Assert.DoesNotContain("head.weight", tied.state_dict().Keys);
    }

    [Fact]
    public void Model_StartsNearEqualProbabilities()
    {
        using var scope = NewDisposeScope();
        using var model = new MahaLanguageModel(Options(AttentionKind.Maha) with { DModel = 96, NumHeads = 4 });
        model.eval();
        double loss = model.Loss(RandomIds(1, V, 4, 60), null).Mean.ToDouble();
        Assert.InRange(loss, Math.Log(V) - 0.3, Math.Log(V) + 0.3);
    }

    [Fact]
    public void NonCausalModels_AreRefused()
    {
        Refused("layer 0", Options(AttentionKind.Maha) with { IsCausal = false });
        Refused("layer 1", Options(AttentionKind.HsaCausal) with { IsCausal = false, LayerAttention = [new HsaCausalOptions(), new FullOptions()] });
        Refused("Hierarchy must be Blocks", Options(AttentionKind.HsaCausal).With(hierarchy: HierarchyKind.Document));
        MahaLanguageModel.RequireCausal(Options(AttentionKind.Hsa));
        MahaLanguageModel.RequireCausal(Options(AttentionKind.HsaCausal) with { IsCausal = false });

        static void Refused(string message, MahaTransformerOptions options) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => new MahaLanguageModel(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_LeavesNoTensorsBehind()
    {
        using var model = new MahaLanguageModel(Options(AttentionKind.Maha));
        using var ids = RandomIds(1, V, 2, 9);
        using var outer = NewDisposeScope();
        for (int step = 0; step < 3; step++)
        {
            using var loss = model.Loss(ids, null);
            loss.Mean.backward();
            model.zero_grad();
        }
        model.LogLikelihoods(ids, null).Dispose();
        Assert.Equal(0, outer.DisposablesCount);
    }

    private static MahaTransformerOptions Options(AttentionKind attention) => new MahaTransformerOptions
    {
        VocabSize = V,
        MaxSequenceLength = 80,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 20,
        Dropout = 0,
        IsCausal = true,
        Positions = PositionKind.Rotary,
        EmbeddingNorm = true,
    }.With(window: 4, attention: attention, branching: 3);
}
