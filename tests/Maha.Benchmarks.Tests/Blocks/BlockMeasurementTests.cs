using Maha.Benchmarks.Blocks;
using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Tests.Blocks;

public sealed class BlockMeasurementTests
{
    public static TheoryData<string> Variants => [.. BlockVariants.All.Keys, BlockVariants.Fused];

    [Theory]
    [MemberData(nameof(Variants))]
    public void EveryVariant_CanBeMeasured(string variant)
    {
        using var measurement = new BlockMeasurement(
            variant, new MahaBlockOptions { DModel = 8, NumHeads = 2, Dropout = 0 }, batch: 2, length: 24, CPU, ScalarType.Float32);
        measurement.Run(record: true);
        Assert.True(measurement.ForwardMilliseconds > 0 && measurement.TrainMilliseconds > 0);
    }
}
