using Maha.Layers.Models;
using Maha.MLNet.Classification;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests.Classification;

public sealed class GpuBatchTests
{
    private const long Gigabyte = 1L << 30;

    private static readonly MahaTransformerOptions s_small = new() { VocabSize = 100, DModel = 384, NumHeads = 12, NumLayers = 6 };

    [Fact]
    public void ABatch_TakesAQuarterOfTheMemory_WithinItsLimits()
    {
        Assert.Equal(GpuBatch.MostTokens, GpuBatch.MaxTokens(80 * Gigabyte, s_small, ScalarType.BFloat16));
        Assert.InRange(GpuBatch.MaxTokens(16 * Gigabyte, s_small, ScalarType.BFloat16), 28_000, 33_000);
        Assert.Equal(GpuBatch.FewestTokens, GpuBatch.MaxTokens(Gigabyte, s_small, ScalarType.BFloat16));
        Assert.Equal(GpuBatch.FewestTokens, GpuBatch.MaxTokens(0, s_small, null));
    }

    [Fact]
    public void LargerEncoders_AndLongerTypes_HaveSmallerBatches()
    {
        var large = s_small with { DModel = 768, NumLayers = 12 };
        int half = GpuBatch.MaxTokens(40 * Gigabyte, s_small, ScalarType.BFloat16), single = GpuBatch.MaxTokens(40 * Gigabyte, s_small, null);
        Assert.InRange(half - (2 * single), -1, 1);
        Assert.Equal(single, GpuBatch.MaxTokens(40 * Gigabyte, s_small, ScalarType.Float32));
        Assert.InRange(half - (4 * GpuBatch.MaxTokens(40 * Gigabyte, large, ScalarType.BFloat16)), -3, 3);
    }
}
