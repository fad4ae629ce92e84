using Microsoft.ML;

namespace Maha.MLNet.Tests.Fitting;

[Collection(FittedCollection.Name)]
public class DevicesTests(FittedModels fitted)
{
    // No machine has as many devices, so that the tests have the same result everywhere.
    private const int MissingGpu = 1000;

    [Fact]
    public void MissingGpu_WithFallback_TrainsAndLoadsOnTheCpu()
    {
        var mlContext = new MLContext(1) { GpuDeviceId = MissingGpu, FallbackToCpu = true };
        using var model = Toys.BinaryTrainer(mlContext).Fit(mlContext.Data.LoadFromEnumerable(Toys.Verdicts(10)));
        using var stream = new MemoryStream(fitted.Zip);
        using var loaded = (IDisposable)mlContext.Model.Load(stream, out _);
        Assert.Equal(Rows.Of(fitted.Chain.Transform(fitted.Training)), Rows.Of(((ITransformer)loaded).Transform(fitted.Training)));
    }

    [Fact]
    public void MissingGpu_WithoutFallback_Throws_InTrainingAndInLoading()
    {
        var mlContext = new MLContext(1) { GpuDeviceId = MissingGpu, FallbackToCpu = false };
        var e = Assert.Throws<InvalidOperationException>(() => Toys.BinaryTrainer(mlContext).Fit(mlContext.Data.LoadFromEnumerable(Toys.Verdicts(10))));
        Assert.StartsWith("MLContext.GpuDeviceId must be below the number of CUDA devices, but is 1000 of ", e.Message, StringComparison.Ordinal);
        Assert.Contains("Set it to null or FallbackToCpu to true", e.Message, StringComparison.Ordinal);

        using var stream = new MemoryStream(fitted.Zip);
        var loading = Assert.ThrowsAny<Exception>(() => mlContext.Model.Load(stream, out _));
        Assert.StartsWith("MLContext.GpuDeviceId must be below", loading.GetBaseException().Message, StringComparison.Ordinal);
    }
}
