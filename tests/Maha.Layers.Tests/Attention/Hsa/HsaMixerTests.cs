using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using TorchSharp;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class HsaMixerTests
{
    private const int Width = 12;
    private const int Length = 29;

    private static MahaBlockOptions Options(AttentionKind attention = AttentionKind.Hsa) => new MahaBlockOptions
    {
        DModel = Width,
        NumHeads = 3,
        FeedForwardDim = 20,
        MaxSequenceLength = 200,
        Dropout = 0,
    }.With(attention: attention, branching: 3);

    [Fact]
    public void BranchingOfTheWholeDocument_IsFullAttention()
    {
        using var scope = NewDisposeScope();
        foreach (var positions in Enum.GetValues<PositionKind>())
        {
            var mixer = Prepared(new HsaMixer((Options() with { Positions = positions }).With(branching: 1024)), 5);
            var full = Prepared(new FullMixer(Options(AttentionKind.Full) with { Positions = positions }), 5);
            var hidden = Random(1, 2, Length, Width);
            AssertClose(full.call(hidden, MixingContext.Unpadded).Output, mixer.call(hidden, MixingContext.Unpadded).Output, Tolerances.SameFormula);
        }
    }

    [Theory]
    [InlineData(AttentionKind.Hsa, HierarchyKind.Blocks, false)]
    [InlineData(AttentionKind.Hsa, HierarchyKind.Document, false)]
    [InlineData(AttentionKind.HsaCausal, HierarchyKind.Blocks, false)]
    [InlineData(AttentionKind.HsaCausal, HierarchyKind.Blocks, true)]
    [InlineData(AttentionKind.HsaCausal, HierarchyKind.Document, false)]
    public void PaddingAndTheRestOfTheBatch_DoNotChangeOutput(AttentionKind attention, HierarchyKind hierarchy, bool overlap)
    {
        using var scope = NewDisposeScope();
        var mixer = Prepared(new HsaMixer((Options(attention) with { Positions = PositionKind.Rotary }).With(hierarchy: hierarchy, overlap: overlap)), 5);
        int[] lengths = [Length, 1, 0, 10];
        var hidden = Random(1, 4, Length + 70, Width);
        var padding = stack([.. lengths.Select(length => arange(Length + 70).ge(length))], 0);
        hidden = hidden.masked_fill(padding.unsqueeze(-1), 1e6);
        TokenHierarchy?[] trees = [.. lengths.Select(length => length > 0 ? TokenHierarchy.FromEnds(length, [(length + 1) / 2]) : null)];
        var together = mixer.call(hidden, new MixingContext { KeyPaddingMask = padding, Hierarchies = trees }).Output;
        for (int document = 0; document < lengths.Length; document++)
        {
            int length = lengths[document];
            if (length > 0)
            {
                var alone = mixer.call(hidden.narrow(0, document, 1).narrow(1, 0, length), new MixingContext { Hierarchies = [trees[document]] }).Output;
                AssertClose(alone[0], together[document].narrow(0, 0, length), Tolerances.SameFormula);
            }
        }
    }

    [Fact]
    public void DocumentTree_OfBlocks_IsTheBlocks()
    {
        using var scope = NewDisposeScope();
        foreach (var attention in new[] { AttentionKind.Hsa, AttentionKind.HsaCausal })
        {
            var blocks = Prepared(new HsaMixer(Options(attention)), 5);
            var documents = Prepared(new HsaMixer(Options(attention).With(hierarchy: HierarchyKind.Document)), 5);
            var hidden = Random(1, 2, Length, Width);
            var tree = TokenHierarchy.Blocks(Length, 3);
            AssertClose(blocks.call(hidden, MixingContext.Unpadded).Output,
                documents.call(hidden, new MixingContext { Hierarchies = [tree, tree] }).Output, Tolerances.SameFormula);
        }
    }

    [Theory]
    [InlineData(false, PositionKind.Rotary)]
    [InlineData(true, PositionKind.Rotary)]
    [InlineData(true, PositionKind.Learned)]
    public void Model_DoesNotDependOnLaterTokens_BitForBit(bool overlap, PositionKind positions)
    {
        using var scope = NewDisposeScope();
        var options = new MahaTransformerOptions
        {
            VocabSize = 40,
            NumLayers = 2,
            DModel = Width,
            NumHeads = 3,
            FeedForwardDim = 20,
            MaxSequenceLength = 64,
            Dropout = 0,
            Positions = positions,
        }.With(attention: AttentionKind.HsaCausal, branching: 3, overlap: overlap);
        var model = Prepared(new MahaTokenModel(options), 3);
        var ids = RandomIds(1, 40, 1, Length);
        var output = model.call(ids, null).Logits;
        for (int from = 1; from < Length; from += 3)
        {
            var changed = cat([ids.narrow(1, 0, from), RandomIds(2 + from, 40, 1, Length - from)], 1);
            Assert.Equal(ToArray(output.narrow(1, 0, from)), ToArray(model.call(changed, null).Logits.narrow(1, 0, from)));
        }
    }

    [Fact]
    public void GradientsToTheFuture_AreZero_ThroughABlock()
    {
        using var scope = NewDisposeScope();
        var block = Prepared(new MahaBlock(Options(AttentionKind.HsaCausal) with { Positions = PositionKind.Rotary }), 3);
        for (int row = 0; row < Length; row += 4)
        {
            var hidden = Random(1, 1, Length, Width).requires_grad_(true);
            block.call(hidden, MixingContext.Unpadded).Output.narrow(1, row, 1).sum().backward();
            Assert.All(ToArray(hidden.grad!.narrow(1, row + 1, Length - row - 1)), gradient => Assert.Equal(0, gradient));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Decoding_IsTheBatchForm(bool overlap)
    {
        using var scope = NewDisposeScope();
        const int tokens = 100; // more than 3^4
        var mixer = Prepared(new HsaMixer((Options(AttentionKind.HsaCausal) with { Positions = PositionKind.Rotary }).With(overlap: overlap)), 5);
        var hidden = Random(1, 2, tokens, Width);
        var batch = mixer.call(hidden, MixingContext.Unpadded).Output;
        using var state = mixer.StartDecoding();
        for (int token = 0; token < tokens; token++)
        {
            Assert.Equal(token, state.Position);
            AssertClose(batch.narrow(1, token, 1), mixer.Decode(hidden.narrow(1, token, 1), state), Tolerances.SameFormula);
        }
        Assert.Equal(2 * 3 * 5 * 3 * (overlap ? 2 : 1) * (4 + 4) * 8 + (5 * 3 * (overlap ? 2 : 1) * 8), state.CacheBytes);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 0.03)]
    public void Decoding_InOtherElementTypes_IsNearFloat64(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        const int tokens = 30;
        var options = Options(AttentionKind.HsaCausal) with { Positions = PositionKind.Rotary };
        var (exact, rounded) = (Prepared(new HsaMixer(options), 5), Prepared(new HsaMixer(options), 5));
        rounded.to(type);
        var hidden = Random(1, 2, tokens, Width);
        using var state = exact.StartDecoding();
        using var other = rounded.StartDecoding();
        for (int token = 0; token < tokens; token++)
        {
            var expected = exact.Decode(hidden.narrow(1, token, 1), state);
            var actual = rounded.Decode(hidden.narrow(1, token, 1).to(type), other);
            Assert.Equal(type, actual.dtype);
            AssertClose(expected, actual.to(ScalarType.Float64), tolerance);
        }
    }

    [Fact]
    public void DecoderState_OfOtherSequences_IsRefused()
    {
        using var scope = NewDisposeScope();
        var mixer = Prepared(new HsaMixer(Options(AttentionKind.HsaCausal)), 5);
        using var state = mixer.StartDecoding();
        mixer.Decode(Random(1, 2, 1, Width), state);
        Assert.Contains("other sequences",
            Assert.Throws<ArgumentException>(() => mixer.Decode(Random(1, 3, 1, Width), state)).Message, StringComparison.Ordinal);
        foreach (var change in new Func<MahaBlockOptions, MahaBlockOptions>[] { options => options.With(overlap: true), options => options.With(branching: 7) })
        {
            var other = Prepared(new HsaMixer(change(Options(AttentionKind.HsaCausal))), 5);
            Assert.Contains("same tree", Assert.Throws<ArgumentException>(() => other.Decode(Random(1, 2, 1, Width), state)).Message, StringComparison.Ordinal);
        }
        state.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mixer.Decode(Random(1, 2, 1, Width), state));
        Assert.Contains("HsaCausal",
            Assert.Throws<InvalidOperationException>(() => Prepared(new HsaMixer(Options()), 5).StartDecoding()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Distance_IsTheDivergenceOfTheWeights()
    {
        using var scope = NewDisposeScope();
        var mixer = Prepared(new HsaMixer(Options()), 5);
        var flat = Prepared(new HsaMixer(Options().With(branching: 1024)), 5);
        var hidden = Random(1, 1, Length + 4, Width);
        var context = new MixingContext { KeyPaddingMask = arange(Length + 4).ge(Length).unsqueeze(0) };
        var (weights, softmax) = (mixer.AttentionWeights(hidden, context).narrow(1, 0, Length).narrow(2, 0, Length),
            flat.AttentionWeights(hidden, context).narrow(1, 0, Length).narrow(2, 0, Length));
        var expected = (weights * (weights.log() - softmax.log())).sum([1, 2]).unsqueeze(0) / Length; // [1, H]
        AssertClose(expected, mixer.DistanceToFlat(hidden, context), 1e-11);
        Assert.True(ToArray(expected).Min() > 1e-3);
        Assert.All(ToArray(flat.DistanceToFlat(hidden, context)), distance => Assert.Equal(0, distance, 1e-11));
        AssertClose(ones([3, Length], ScalarType.Float64), weights.sum(-1), Tolerances.SameFormula);
    }

    [Fact]
    public void MissingTrees_AreRefused()
    {
        using var scope = NewDisposeScope();
        var mixer = Prepared(new HsaMixer(Options().With(hierarchy: HierarchyKind.Document)), 5);
        var hidden = Random(1, 2, 5, Width);
        var tree = TokenHierarchy.FromEnds(5, [2]);
        Refused("is null", MixingContext.Unpadded);
        Refused("holds 1 for 2", new MixingContext { Hierarchies = [tree] });
        Refused("has 4 where 5", new MixingContext { Hierarchies = [tree, TokenHierarchy.FromEnds(4, [2])] });

        void Refused(string message, MixingContext context)
            => Assert.Contains(message, Assert.Throws<ArgumentException>(() => mixer.call(hidden, context)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CausalOption_MakesTheCausalForm()
    {
        using var scope = NewDisposeScope();
        var hidden = Random(1, 2, Length, Width);
        var causal = Prepared(new HsaMixer(Options(AttentionKind.HsaCausal)), 5).call(hidden, MixingContext.Unpadded).Output;
        AssertClose(causal, Prepared(new HsaMixer(Options() with { IsCausal = true }), 5).call(hidden, MixingContext.Unpadded).Output, 0);
        Assert.Equal(BlockFlops.Of(Options(AttentionKind.HsaCausal), Length), BlockFlops.Of(Options() with { IsCausal = true }, Length));
    }

    [Fact]
    public void OverlapWithoutCausality_IsRefused()
        => Assert.Contains("HsaCausal", Assert.Throws<ArgumentException>(() => (Options().With(overlap: true)).Validate()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(1)]
    [InlineData(1025)]
    public void BranchingOutOfRange_IsRefused(int branching)
        => Assert.Throws<ArgumentOutOfRangeException>(() => (Options().With(branching: branching)).Validate());
}
