using Maha.Benchmarks.Blocks;
using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Tests.Blocks;

public sealed class DeviceCommandTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheProcessor_PassesTheChecksOfADevice(bool isCausal)
    {
        var report = new DeviceReport(CPU);
        AttentionOptions attention = isCausal ? new HsaCausalOptions() : new HsaOptions();
        DeviceBlockChecks.Run(report, "Hsa", new MahaBlockOptions { DModel = 32, NumHeads = 2, MaxSequenceLength = 1024, Dropout = 0, Attention = attention });
        Assert.True(report.Passed, report.Text);
        Assert.Equal(isCausal ? 4 : 3, report.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void TheProcessor_PassesTheChecksOfTrees()
    {
        var report = new DeviceReport(CPU);
        DeviceTreeChecks.Run(report, 3);
        Assert.True(report.Passed, report.Text);
    }

    [Fact]
    public void AnError_FailsTheReport()
    {
        var report = new DeviceReport(CPU);
        double error = DeviceReport.Error(DeviceReport.Largest, tensor(new[] { 1.0, -4.0 }), tensor(new[] { 1.0, -4.001 }));
        Assert.Equal(2.5e-4, error, 1e-9);
        report.Check("small", ("output", error, 1e-3));
        Assert.True(report.Passed);
        report.Check("large", ("output", error, 1e-5));
        Assert.False(report.Passed);
        Assert.Contains("FAIL large", report.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void ANumberThatIsMissing_FailsTheReport()
    {
        var report = new DeviceReport(CPU);
        report.Check("nan", ("output", DeviceReport.Error(DeviceReport.Norm, ones(2), tensor(new[] { 1f, float.NaN })), 1e-3));
        Assert.False(report.Passed);
    }
}
