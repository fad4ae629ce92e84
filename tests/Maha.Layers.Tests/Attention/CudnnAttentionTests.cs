using Maha.Layers.Attention;
using Maha.Layers.Core;

using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class CudnnAttentionTests
{
    public CudnnAttentionTests() => TorchLibrary.EnsureLoadedFor(nameof(CudnnAttentionTests));

    [Fact]
    public void LibtorchsPermission_IsFound() => Assert.True(CudnnAttention.IsKnown);

    [Fact]
    public void Permission_IsTakenForTheCallAlone()
    {
        using var scope = NewDisposeScope();
        Assert.True(CudnnAttention.IsEnabled);
        var result = CudnnAttention.Without(() =>
        {
            Assert.False(CudnnAttention.IsEnabled);
            return ones(1);
        });
        Assert.Equal(1, result.item<float>());
        Assert.True(CudnnAttention.IsEnabled);
    }

    [Fact]
    public void Permission_IsPutBackAfterAnException()
    {
        Assert.Throws<InvalidOperationException>(() => CudnnAttention.Without(() => throw new InvalidOperationException()));
        Assert.True(CudnnAttention.IsEnabled);
    }

    [Fact]
    public void Permission_IsPutBackByManyThreads()
    {
        Parallel.For(0, 200, _ => CudnnAttention.Without(() =>
        {
            Assert.False(CudnnAttention.IsEnabled);
            return ones(1);
        }).Dispose());
        Assert.True(CudnnAttention.IsEnabled);
    }
}
