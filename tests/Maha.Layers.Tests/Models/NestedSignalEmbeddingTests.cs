using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

public class NestedSignalEmbeddingTests
{
    private const int D = 12;
    private const int N = 7;

    // Leaves 0 to 4 are text, 5 and 6 numeric columns of the row.
    private static readonly long[] s_types = [0, 0, 0, 0, 0, 1, 1];

    private static NestedSignalEmbedding Embedding() => Prepared(
        new NestedSignalEmbedding(
            D, new LeafType { Name = "text", VocabSize = 9, MaxPositions = 5 }, new LeafType { Name = "column", Channels = 2, MaxPositions = 3 }), 4);

    private static NestedSignal Signal() =>
        new(tensor(s_types, [1, N]), RandomIds(1, 9, 1, N), Random(2, 1, N, 2), tensor(new long[] { 0, 1, 2, 3, 4, 0, 2 }, [1, N]));

    [Fact]
    public void EveryType_HasItsOwnProjectionAndPositions()
    {
        using var scope = NewDisposeScope();
        var embedding = Embedding();
        var signal = Signal();
        var state = embedding.state_dict();
        var hidden = embedding.call(signal)[0];
        AssertClose(state["text_tokens.weight"][signal.TokenIds![0, 3]] + state["text_positions.weight"][3], hidden[3], Tolerances.SameFormula);
        var numbers = state["column_numbers.weight"].matmul(signal.Numbers![0, 6]) + state["column_numbers.bias"];
        AssertClose(numbers + state["column_positions.weight"][2], hidden[6], Tolerances.SameFormula);
    }

    [Fact]
    public void ValuesOfOtherTypes_DoNotChangeTheResult()
    {
        using var scope = NewDisposeScope();
        var embedding = Embedding();
        var signal = Signal();
        var text = tensor(s_types, [1, N]).eq(0);
        var spoiled = signal with
        {
            TokenIds = signal.TokenIds!.masked_fill(text.logical_not(), -5),
            Numbers = signal.Numbers!.masked_fill(text.unsqueeze(-1), double.NaN),
        };
        AssertClose(embedding.call(signal), embedding.call(spoiled), 0);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    public void Blocks_MixSignalsOfAnyDepth(int depth)
    {
        using var scope = NewDisposeScope();
        var node = new HierarchyNode(0, N, [HierarchyNode.FromTokens(0, 5), HierarchyNode.Leaf(5), HierarchyNode.Leaf(6)]);
        for (int level = 2; level < depth; level++)
            node = new HierarchyNode(0, N, [node]);
        var tree = TokenHierarchy.FromTree(node);
        Assert.Equal(depth, tree.Depth);
        var options = new MahaBlockOptions { DModel = D, NumHeads = 3, FeedForwardDim = 20, Dropout = 0 };
        var block = Prepared(new MahaBlock(options.With(attention: AttentionKind.Hsa, hierarchy: HierarchyKind.Document)), 6);
        var embedding = Embedding();
        var signal = Signal();
        signal.Numbers!.requires_grad_(true);
        block.call(embedding.call(signal), new MixingContext { Hierarchies = [tree] }).Output[0, 0].pow(3).sum().backward();
        Assert.All(ToArray(signal.Numbers.grad![0, 5]), gradient => Assert.True(Math.Abs(gradient) > 1e-9)); // the text depends on the column
        Assert.All(ToArray(signal.Numbers.grad![0, 0]), gradient => Assert.Equal(0, gradient));
    }

    [Fact]
    public void InvalidSignals_AreRefused()
    {
        using var scope = NewDisposeScope();
        var embedding = Embedding();
        var signal = Signal();
        Refused("[0, 2)", signal with { Types = tensor(new long[] { 0, 0, 0, 0, 0, 1, 2 }, [1, N]) });
        Refused("[0, 9)", signal with { TokenIds = signal.TokenIds! + 9 });
        Refused("[0, 5)", signal with { Positions = signal.Positions! + 2 });
        Refused("is null", signal with { Numbers = null });
        Refused("is null", signal with { TokenIds = null });
        Refused("at least 2", signal with { Numbers = signal.Numbers!.narrow(2, 0, 1) });
        Refused("Numbers must have the element type of the weights, Float64", signal with { Numbers = signal.Numbers!.to(ScalarType.Float32) });
        Refused("Int64", signal with { TokenIds = signal.TokenIds!.to(ScalarType.Float64) });
        Assert.Contains("neither",
            Assert.Throws<ArgumentException>(() => new NestedSignalEmbedding(D, new LeafType { Name = "x" })).Message, StringComparison.Ordinal);
        Assert.Contains("2 times", Assert.Throws<ArgumentException>(() => new NestedSignalEmbedding(D, new LeafType { Name = "x", Channels = 1 },
            new LeafType { Name = "x", Channels = 2 })).Message, StringComparison.Ordinal);

        void Refused(string message, NestedSignal unsound)
            => Assert.Contains(message, Assert.Throws<ArgumentException>(() => embedding.call(unsound)).Message, StringComparison.Ordinal);
    }
}
