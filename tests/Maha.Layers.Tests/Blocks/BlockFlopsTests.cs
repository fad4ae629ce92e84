using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Tests.Reference;


namespace Maha.Layers.Tests.Blocks;

public class BlockFlopsTests
{
    private const int D = 12;
    private const int W = 4;
    private static readonly MahaBlockOptions s_options =
        new MahaBlockOptions { DModel = D, NumHeads = 3, FeedForwardDim = 20, MaxSequenceLength = 64 }.With(window: W, globalTokens: 0);

    [Theory]
    [InlineData(1, 2)]
    [InlineData(7, 2)]
    [InlineData(33, 2)]
    [InlineData(64, 3)]
    public void Maha_EqualsCountedOperations(int length, int ratio)
    {
        var flops = BlockFlops.Of(s_options.With(compressionRatio: ratio, aggregation: AggregationKind.Convex), length);
        long attention = 0, projections = 0, convolutions = 0, aggregation = 0;
        var lengths = new List<int> { length };
        while (lengths[^1] > 2 * W)
            lengths.Add((lengths[^1] + ratio - 1) / ratio);
        Loop(length, () => { projections += 2 * D * D; convolutions += 2 * 3 * D; });
        for (int scale = 0; scale < lengths.Count; scale++)
        {
            int n = lengths[scale];
            for (int i = 0; i < n; i++)
            {
                foreach (int _ in SlowWindowAttention.Keys(i, Math.Min(W, n), n, causal: false))
                    attention += (2 * D) + (2 * D);
                projections += 2 * (2 * D * D);
                convolutions += scale > 0 ? 2 * (2 * 3 * D) : 0;

                // The utility and its norm, the norm of the Gram matrix, and one product with this scale and with each later one.
                aggregation += 2 * D * (2 + 1 + (lengths.Count - scale));
            }
            Loop(length, () => aggregation += 2 * D);
        }
        Assert.Equal((attention, projections, convolutions, aggregation, 4L * length * D * 20),
            (flops.Attention, flops.Projections, flops.Convolutions, flops.Aggregation, flops.FeedForward));
    }

    [Fact]
    public void Maha_AtThePapersSize_NeedsAtMostNineteenPercentOfStandardAttention()
    {
        var paper = new MahaBlockOptions { DModel = 768, NumHeads = 12, MaxSequenceLength = 4096 };
        BlockFlops maha = BlockFlops.Of(paper, 4096), full = BlockFlops.Of(paper.With(attention: AttentionKind.Full), 4096);
        Assert.True(maha.Attention <= 0.19 * full.Attention);
        Assert.True(maha.Total < full.Total);
    }

    [Fact]
    public void Maha_AttentionPerToken_IsConstantFromFourThousandTokens()
    {
        double[] perToken =
            [.. new[] { 4096, 8192, 16384, 32768, 65536 }.Select(n => BlockFlops.Of(new MahaBlockOptions { MaxSequenceLength = n }, n).Attention / (double)n)];
        Assert.True(perToken.Max() <= 1.1 * perToken.Min());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(4096)]
    public void Hsa_EqualsCountedOperations(int length)
    {
        var options = s_options.With(attention: AttentionKind.Hsa, branching: 5);
        long attention = 0;
        for (int nodes = length; nodes > 0; nodes = nodes <= 5 ? 0 : (nodes + 4) / 5)
        {
            for (int start = 0; start < nodes; start += 5)
            {
                int family = Math.Min(5, nodes - start);
                Loop(family * family, () => attention += (2 * D) + (2 * D));
                if (nodes > 5)
                    Loop(family, () => attention += (3 * 2 * D) + (2 * D)); // three means, and one sum while descending
            }
        }
        Assert.Equal(attention, BlockFlops.Of(options, length).Attention);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(625)]
    public void HsaCausal_EqualsCountedOperations(int length)
    {
        var options = s_options.With(attention: AttentionKind.HsaCausal, branching: 5);
        long attention = 0;
        for (int cell = 1, nodes = length; ; cell *= 5, nodes = (nodes + 4) / 5)
        {
            for (int token = 0; token < length; token++)
            {
                int family = token / cell / 5 * 5;
                Loop(Math.Min(5, nodes - family), () => attention += (2 * D) + (2 * D));
            }
            if (nodes <= 5)
                break;
            Loop(nodes, () => attention += 2 * 2 * D);
        }
        Assert.Equal(attention, BlockFlops.Of(options, length).Attention);
    }

    [Fact]
    public void Hsa_AtFourThousandTokens_NeedsLessThanTwoPercentOfStandardAttention()
    {
        var options = new MahaBlockOptions { MaxSequenceLength = 4096 }.With(attention: AttentionKind.Hsa);
        long full = BlockFlops.Of(options.With(attention: AttentionKind.Full), 4096).Attention;
        Assert.True(BlockFlops.Of(options, 4096).Attention < 0.02 * full);
        Assert.True(BlockFlops.Of(options.With(attention: AttentionKind.HsaCausal), 4096).Attention < 0.02 * full);
    }

    private static void Loop(int count, Action body)
    {
        for (int i = 0; i < count; i++)
            body();
    }
}
