using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Blocks;

public class MahaBlockTests
{
    private static readonly MahaBlockOptions s_options = new MahaBlockOptions
    {
        DModel = 6,
        NumHeads = 3,
        FeedForwardDim = 10,
    }.With(attention: AttentionKind.MahaReference, numScales: 3, compressionRatio: 2, aggregation: AggregationKind.Softmax);

    public static TheoryData<AggregationKind> Kinds => [AggregationKind.Softmax, AggregationKind.ReferenceNash, AggregationKind.Mean, AggregationKind.Gated];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_EqualCentralDifferences(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var block = TestTensors.Prepared(new MahaBlock(s_options.With(aggregation: kind)), seed: 1);
        var hidden = TestTensors.Random(2, 2, 7, 6);
        var upstream = TestTensors.Random(3, 2, 7, 6);
        TestTensors.AssertGradients(() => (block.call(hidden, MixingContext.Unpadded).Output * upstream).sum(),
            [("hidden", hidden), .. block.named_parameters().Select(named => (named.name, (Tensor)named.parameter))], probes: 2);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Shape_IsKept_AtAnyLength(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var block = TestTensors.Prepared(new MahaBlock(s_options.With(aggregation: kind, compressionRatio: 3)), seed: 4);
        foreach (int length in new[] { 1, 2, 5, 16 })
        {
            var result = block.call(TestTensors.Random(5, 2, length, 6), MixingContext.Unpadded);
            Assert.Equal([2L, length, 6L], result.Output.shape);
            Assert.True(result.Output.isfinite().all().item<bool>());
            Assert.Empty(result.AuxiliaryLoss.shape);
        }
    }

    [Fact]
    public void BatchOrder_IsFree()
    {
        using var scope = NewDisposeScope();
        using var block = TestTensors.Prepared(new MahaBlock(s_options.With(aggregation: AggregationKind.ReferenceNash)), seed: 6);
        var hidden = TestTensors.Random(7, 3, 9, 6);
        var order = tensor(new long[] { 2, 0, 1 });
        TestTensors.AssertClose(
            block.call(hidden, MixingContext.Unpadded).Output.index_select(0, order),
            block.call(hidden.index_select(0, order), MixingContext.Unpadded).Output, Tolerances.SameFormula);
    }

    [Fact]
    public void Padding_IsRefused_InReferenceMode()
    {
        using var scope = NewDisposeScope();
        using var block = new MahaBlock(s_options);
        var context = new MixingContext { KeyPaddingMask = zeros([1, 4], ScalarType.Bool) };
        Assert.Contains("MahaReference mixes padded tokens", Assert.Throws<ArgumentException>(() => block.call(zeros(1, 4, 6), context)).Message);
    }

    [Fact]
    public void EveryPart_IsRegisteredOnce()
    {
        using var block = new MahaBlock(s_options);
        var names = block.state_dict().Keys.ToList();
        Assert.All(names, name => Assert.DoesNotContain("_local", name, StringComparison.Ordinal));
        Assert.Equal(names.Count, block.parameters().Count());
    }

    public static TheoryData<string, MahaBlockOptions, string> Refused => new()
    {
        { "heads", s_options with { DModel = 770, NumHeads = 12 }, "dModel must be divisible by numHeads, but 770 % 12 = 2." },
        { "width", s_options with { DModel = 0 }, "DModel must lie in [1, 65536], but is 0." },
        { "no heads", s_options with { NumHeads = 0 }, "NumHeads must lie in [1, 6], but is 0." },
        { "feed-forward", s_options with { FeedForwardDim = -1 }, "FeedForwardDim must lie in" },
        { "no scales", s_options.With(numScales: 0), "NumScales must lie in [1, 12], but is 0." },
        { "ratio", s_options.With(compressionRatio: 1), "CompressionRatio must lie in [2, 64], but is 1." },
        { "dropout", s_options with { Dropout = double.NaN }, "Dropout must lie in [0, 1), but is NaN." },
        { "all dropped", s_options with { Dropout = 1 }, "Dropout must lie in [0, 1), but is 1." },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void InvalidOptions_Throw(string what, MahaBlockOptions options, string message)
    {
        var problem = Assert.ThrowsAny<ArgumentException>(() => new MahaBlock(options));
        Assert.True(problem.Message.Contains(message, StringComparison.Ordinal), $"{what}: {problem.Message}");
    }

    [Fact]
    public void UnknownKinds_Throw()
    {
        Assert.Contains("Attention must be one of",
            Assert.Throws<ArgumentOutOfRangeException>(() => AttentionOptions.Create((AttentionKind)99)).Message, StringComparison.Ordinal);
        Assert.Contains("Aggregation must be one of",
            Assert.Throws<ArgumentOutOfRangeException>(() => AggregationOptions.Create((AggregationKind)99)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryKind_HasOptionsOfItsOwn()
    {
        foreach (var kind in Enum.GetValues<AttentionKind>())
            Assert.Equal(kind, AttentionOptions.Create(kind).Kind);
        foreach (var kind in Enum.GetValues<AggregationKind>())
            Assert.Equal(kind, AggregationOptions.Create(kind).Kind);
    }

    [Fact]
    public void FeedForwardDim_FollowsTheWidth_UnlessGiven()
    {
        Assert.Equal(64, new MahaBlockOptions { DModel = 16 }.FeedForwardDim);
        Assert.Equal(10, (s_options with { DModel = 12 }).FeedForwardDim);
    }
}
