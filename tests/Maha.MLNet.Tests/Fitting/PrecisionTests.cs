using Maha.Layers.Weights;
using Maha.MLNet.Fitting;
using Maha.MLNet.Tests.Misuse;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests.Fitting;

/// <summary>The precision in which networks are trained.</summary>
public class PrecisionTests
{
    public static TheoryData<string> Estimators => [.. EstimatorKind.All.Select(kind => kind.Name)];

    [Theory]
    [InlineData(TrainingPrecision.Auto, DeviceType.CPU, null, null)]
    [InlineData(TrainingPrecision.Auto, DeviceType.CUDA, null, null)]
    [InlineData(TrainingPrecision.Auto, DeviceType.CUDA, 75, null)]
    [InlineData(TrainingPrecision.Auto, DeviceType.CUDA, 80, ScalarType.BFloat16)]
    [InlineData(TrainingPrecision.Auto, DeviceType.CUDA, 120, ScalarType.BFloat16)]
    [InlineData(TrainingPrecision.Float32, DeviceType.CPU, null, null)]
    [InlineData(TrainingPrecision.Float32, DeviceType.CUDA, 90, null)]
    [InlineData(TrainingPrecision.BFloat16, DeviceType.CPU, null, ScalarType.BFloat16)]
    [InlineData(TrainingPrecision.BFloat16, DeviceType.CUDA, null, ScalarType.BFloat16)]
    [InlineData(TrainingPrecision.BFloat16, DeviceType.CUDA, 80, ScalarType.BFloat16)]
    public void Precision_FollowsTheOptionAndTheDevice(TrainingPrecision precision, DeviceType device, int? capability, ScalarType? expected) =>
        Assert.Equal(expected, PrecisionChoice.Choose(precision, new Device(device, device == DeviceType.CPU ? -1 : 0), capability));

    [Fact]
    public void BFloat16_IsRefused_OnAGpuThatDoesNotComputeInIt()
    {
        var e = Assert.Throws<ArgumentException>(() => PrecisionChoice.Choose(TrainingPrecision.BFloat16, new Device(DeviceType.CUDA, 1), 75));
        Assert.StartsWith(
            "Precision must be Auto or Float32 on a GPU of compute capability below 8.0, but is BFloat16, and cuda:1 has 7.5. Leave it out, or choose another GPU.",
            e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Estimators))]
    public void EveryEstimator_TrainsInThePrecision(string estimator)
    {
        var kind = EstimatorKind.All.Single(kind => kind.Name == estimator);
        var single = Train(TrainingPrecision.Float32);
        Assert.Equal(single, Train(TrainingPrecision.Auto));
        Assert.DoesNotContain("Precision", single.Warnings, StringComparison.Ordinal);
        var lower = Train(TrainingPrecision.BFloat16);
        Assert.Contains("Precision should be Auto or Float32 on a processor, but is BFloat16", lower.Warnings, StringComparison.Ordinal);
        Assert.NotEqual(single.Losses, lower.Losses);

        // The first step has the same weights, up to rounding, and the losses are in Float32.
        double first = double.Parse(single.Losses.Split(' ')[0]), firstLower = double.Parse(lower.Losses.Split(' ')[0]);
        Assert.Equal(first, firstLower, 0.05 * Math.Abs(first));
        Assert.NotEqual(firstLower, RoundToBFloat16(firstLower));
        Assert.NotEqual(single.Numbers, lower.Numbers);
        Assert.All(lower.Numbers.Split(' '), number => Assert.True(float.IsFinite(float.Parse(number))));

        (string Losses, string Numbers, string Warnings) Train(TrainingPrecision precision)
        {
            var context = new MLContext(1);
            var (losses, warnings) = (new List<double>(), new List<string>());
            context.Log += (_, e) =>
            {
                if (e.Kind == ChannelMessageKind.Warning)
                    warnings.Add(e.RawMessage);
            };
            using var model = kind.Fit(context, options =>
            {
                options.Precision = precision;
                // The types drop out different values.
                options.Dropout = 0;
                options.Progress = new AtOnce(now => losses.Add(now.Loss));
            });
            return (string.Join(' ', losses), string.Join(' ', kind.Numbers(context, model, EstimatorKind.Rows)), string.Join('\n', warnings));
        }
    }

    [Theory]
    [MemberData(nameof(Estimators))]
    public void AModelTrainedInBFloat16_HasWeightsOfFloat32_ThatAreNotRounded(string estimator)
    {
        var kind = EstimatorKind.All.Single(kind => kind.Name == estimator);
        using var model = kind.Fit(new MLContext(1), options => options.Precision = TrainingPrecision.BFloat16);
        string folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
        try
        {
            string path = Path.Combine(folder, "weights");
            model.SaveWeights(path);
            using var scope = NewDisposeScope();
            using var reader = SafetensorsReader.Open(path);
            var weights = reader.ReadAll().Values.Where(weight => weight.is_floating_point()).ToList();
            Assert.All(weights, weight => Assert.Equal(ScalarType.Float32, weight.dtype));
            Assert.Contains(weights, weight => weight.to(ScalarType.BFloat16).ne(weight).any().item<bool>());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double RoundToBFloat16(double value)
    {
        using var scope = NewDisposeScope();
        return tensor(value).to(ScalarType.BFloat16).ToDouble();
    }
}
