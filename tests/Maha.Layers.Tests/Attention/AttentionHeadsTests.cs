using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class AttentionHeadsTests
{
    private const int B = 2;
    private const int N = 5;
    private const int H = 3;
    private const int K = 4;

    [Fact]
    public void Heads_AreConsecutiveChannels_AndMergeBack()
    {
        using var scope = NewDisposeScope();
        var tokens = arange(B * N * H * K, dtype: ScalarType.Float64).view(B, N, H * K);
        var (heads, flat) = (AttentionHeads.Split(tokens, H), AttentionHeads.SplitFlat(tokens, H));
        Assert.Equal([B, H, N, K], heads.shape);
        Assert.Equal([B * H, N, K], flat.shape);
        double[] expected = TestTensors.ToArray(tokens.select(0, 1).narrow(1, 2 * K, K)); // document 1, head 2
        Assert.Equal(expected, TestTensors.ToArray(heads.select(0, 1).select(0, 2)));
        Assert.Equal(expected, TestTensors.ToArray(flat.select(0, H + 2)));
        Assert.Equal(TestTensors.ToArray(tokens), TestTensors.ToArray(AttentionHeads.Merge(heads)));
        Assert.Equal(TestTensors.ToArray(tokens), TestTensors.ToArray(AttentionHeads.MergeFlat(flat, H)));
    }
}
