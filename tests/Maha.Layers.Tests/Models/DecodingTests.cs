using FsCheck;
using FsCheck.Fluent;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using TorchSharp;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

/// <summary>Decoding in pieces gives the outputs of the whole sequence, for every attention that can be causal.</summary>
[Collection(AloneCollection.Name)]
public class DecodingTests
{
    private const int V = 19;
    private const double Float32 = 1e-5;

    private static readonly AttentionKind[] s_kinds = [AttentionKind.Maha, AttentionKind.Maha, AttentionKind.Maha, AttentionKind.Full,
        AttentionKind.Window, AttentionKind.HsaCausal];
    private static readonly AggregationKind[] s_aggregations = [AggregationKind.Convex, AggregationKind.Nash, AggregationKind.Mean,
        AggregationKind.Gated, AggregationKind.Softmax];

    [Fact]
    public void AnyPieces_GiveTheBatchComputation() =>
        Prop.ForAll(Cases().ToArbitrary(), Check).Check(Config.QuickThrowOnFailure.WithMaxTest(120).WithReplay(7, 13));

    [Theory]
    [InlineData(AggregationKind.Convex)]
    [InlineData(AggregationKind.Nash)]
    [InlineData(AggregationKind.Mean)]
    [InlineData(AggregationKind.Gated)]
    [InlineData(AggregationKind.Softmax)]
    public void EveryAggregation_TokenByToken_GivesTheBatchComputation(AggregationKind aggregation)
    {
        foreach (int ratio in new[] { 2, 3 })
        {
            foreach (var decomposition in Enum.GetValues<DecompositionKind>())
            {
                var options = Options(AttentionKind.Maha)
                    .With(aggregation: aggregation, decomposition: decomposition, compressionRatio: ratio, numScales: 4, costPrice: 0.3);
                Check(new Case(options, 61, 1, ScalarType.Float64));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void LocalResidual_InPieces_GivesTheBatchComputation(int pieces)
    {
        var attention = (MahaOptions)Of(AttentionKind.Maha) with { LocalResidual = true };
        Check(new Case(Options(AttentionKind.Maha) with { Attention = attention }, 61, pieces, ScalarType.Float64));
    }

    [Fact]
    public void LayersOfDifferentKinds_DecodeTogether()
    {
        AttentionOptions[] layers = [Of(AttentionKind.Maha), Of(AttentionKind.Full), Of(AttentionKind.HsaCausal), Of(AttentionKind.Window)];
        Check(new Case(Options(AttentionKind.Maha) with { NumLayers = 4, LayerAttention = layers }, 37, 5, ScalarType.Float64));
    }

    [Fact]
    public void LongPrompt_InPieces_GivesTheBatchComputation() => Check(new Case(
        (Options(AttentionKind.Maha) with { NumLayers = 1, MaxSequenceLength = 6000, Positions = PositionKind.Rotary }).With(window: 16),
        4500, 4300, ScalarType.Float64));

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Window)]
    [InlineData(AttentionKind.HsaCausal)]
    public void Memory_IsBounded(AttentionKind attention)
    {
        using var scope = NewDisposeScope();
        using var encoder = Prepared(new MahaEncoder(Options(attention) with { Positions = PositionKind.Rotary }), 3);
        using var state = encoder.StartDecoding();
        var ids = RandomIds(1, V, 1, 4000);
        encoder.Decode(ids.narrow(1, 0, 500), state).Dispose();
        long early = state.CacheBytes;
        encoder.Decode(ids.narrow(1, 500, 3500), state).Dispose();
        Assert.Equal(4000, state.Position);

        // A tree of eight times as many tokens has two levels more; windows keep the same number of tokens, up to the capacity of their buffers.
        Assert.True(state.CacheBytes <= (attention == AttentionKind.HsaCausal ? 2 : 1.5) * early,
            $"{early} bytes after 500 tokens, {state.CacheBytes} after 4,000");
    }

    [Fact]
    public void CausalAttention_OfAllKinds_LeavesNoTensorsBehind()
    {
        foreach (var attention in new[] { AttentionKind.Maha, AttentionKind.Full, AttentionKind.Window, AttentionKind.HsaCausal })
        {
            using var encoder = Prepared(new MahaEncoder(Options(attention)), 3);
            using var ids = RandomIds(1, V, 1, 1);
            using var outer = NewDisposeScope();
            using var state = encoder.StartDecoding();
            for (int token = 0; token < 30; token++)
                encoder.Decode(ids, state).Dispose();
            Assert.Equal(0, outer.DisposablesCount);
        }
    }

    [Fact]
    public void MisuseOfAState_IsRefused()
    {
        using var scope = NewDisposeScope();
        foreach (var attention in new[] { AttentionKind.Maha, AttentionKind.Full, AttentionKind.Window, AttentionKind.HsaCausal })
        {
            using var encoder = Prepared(new MahaEncoder(Options(attention) with { Positions = PositionKind.Learned, MaxSequenceLength = 8 }), 3);
            using var state = encoder.StartDecoding();
            encoder.Decode(RandomIds(1, V, 2, 3), state);
            Assert.Contains("other sequences",
                Assert.Throws<ArgumentException>(() => encoder.Decode(RandomIds(1, V, 3, 1), state)).Message, StringComparison.Ordinal);
            Assert.Contains("Learned positions",
                Assert.Throws<ArgumentException>(() => encoder.Decode(RandomIds(1, V, 2, 6), state)).Message, StringComparison.Ordinal);
            Assert.Contains("same layer",
                Assert.Throws<ArgumentException>(() => encoder.Blocks[0].Decode(Random(1, 2, 1, 12), state)).Message, StringComparison.Ordinal);
            state.Dispose();
            Assert.Throws<ObjectDisposedException>(() => encoder.Decode(RandomIds(1, V, 2, 1), state));
        }
    }

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    [InlineData(AttentionKind.Hsa)]
    public void NonCausalAttention_RefusesDecoding(AttentionKind attention)
    {
        using var encoder = new MahaEncoder(Options(attention) with { IsCausal = false });
        Assert.Contains("causal", Assert.Throws<InvalidOperationException>(encoder.StartDecoding).Message, StringComparison.OrdinalIgnoreCase);
    }

    private static AttentionOptions Of(AttentionKind attention) => Options(attention).Attention;

    private static MahaTransformerOptions Options(AttentionKind attention) => new MahaTransformerOptions
    {
        VocabSize = V,
        MaxSequenceLength = 80,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 20,
        Dropout = 0.1,
        IsCausal = true,
    }.With(window: 4, attention: attention, branching: 3, globalTokens: 2);

    private static Gen<Case> Cases() =>
        from attention in Gen.Elements(s_kinds)
        from aggregation in Gen.Elements(s_aggregations)
        from granularity in Gen.Elements(WeightGranularity.Token, WeightGranularity.InputFree)
        from decomposition in Gen.Elements(Enum.GetValues<DecompositionKind>())
        from positions in Gen.Elements(Enum.GetValues<PositionKind>())
        from ratio in Gen.Choose(2, 4)
        from scales in Gen.Choose(1, 6)
        from window in Gen.Choose(1, 9)
        from branching in Gen.Choose(2, 5)
        from overlap in Gen.Elements(false, true)
        from global in Gen.Choose(0, 7)
        from price in Gen.Elements(0, 0.5)
        from redundancy in Gen.Elements(0, 0.5, 5)
        from temperature in Gen.Elements(0.5, 1, 2)
        from embeddingNorm in Gen.Elements(false, true)
        from length in Gen.Choose(1, 75)
        from pieces in Gen.Choose(0, 80)
        from type in Gen.Elements(ScalarType.Float32, ScalarType.Float64)
        select new Case((Options(attention) with { Positions = positions, EmbeddingNorm = embeddingNorm }).With(
            aggregation: aggregation, granularity: granularity, decomposition: decomposition, compressionRatio: ratio, numScales: scales, window: window,
            branching: branching, overlap: overlap && attention == AttentionKind.HsaCausal, globalTokens: global, costPrice: price, redundancyPrice: redundancy,
                temperature: temperature), length, pieces, type);

    // The length of the first piece, which is followed by single tokens; 0 for pieces of random lengths.
    private static void Check(Case one)
    {
        using var scope = NewDisposeScope();
        using var encoder = Prepared(new MahaEncoder(one.Options), 3);
        encoder.to(one.Type);
        var ids = RandomIds(one.Length, V, 2, one.Length);
        var batch = encoder.call(ids, MixingContext.Unpadded).Features;
        encoder.train(); // dropout is ignored in decoding
        using var state = encoder.StartDecoding();
        var random = new Random(one.Length);
        var pieces = new List<Tensor>();
        for (int start = 0, count; start < one.Length; start += count)
        {
            Assert.Equal(start, state.Position);
            count = one.Pieces == 0 ? random.Next(1, 12) : start == 0 ? one.Pieces : 1;
            count = Math.Min(count, one.Length - start);
            pieces.Add(encoder.Decode(ids.narrow(1, start, count), state));
        }
        AssertClose(batch, cat(pieces, 1), one.Type == ScalarType.Float32 ? Float32 : Tolerances.SameFormula);
    }

    private sealed record Case(MahaTransformerOptions Options, int Length, int Pieces, ScalarType Type);
}
