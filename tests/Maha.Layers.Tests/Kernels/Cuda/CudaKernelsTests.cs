using System.Diagnostics;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Kernels.Cuda;

/// <summary>The parts of the CUDA kernels' loading that run without a device; <c>./bench.sh device</c> checks the others on one.</summary>
public sealed class CudaKernelsTests
{
    [Fact]
    public void ATensorOnTheProcessor_UsesNoKernelsAndIsNoProblem()
    {
        using var tensor = ones(4);
        Assert.False(CudaKernels.CanUse(tensor));
        Assert.Null(CudaKernels.TryGetModule(tensor, "rotary.cu", ""));
        Assert.Null(CudaKernels.Problem);
    }

    [Theory]
    [InlineData(true, true, null)]
    [InlineData(true, false, "NVRTC")]
    [InlineData(false, true, "NVIDIA's driver library")]
    [InlineData(false, false, "NVIDIA's driver library")]
    public void WhatIsMissing_IsNamed(bool hasDriver, bool hasCompiler, string? beginning)
    {
        string? missing = CudaKernels.Missing(hasDriver, hasCompiler);
        if (beginning is null)
            Assert.Null(missing);
        else
            Assert.StartsWith(beginning, missing, StringComparison.Ordinal);
    }

    [Fact]
    public void AProblem_IsTracedOnce()
    {
        using var written = new StringWriter();
        using var listener = new TextWriterTraceListener(written);
        Trace.Listeners.Add(listener);
        try
        {
            var problem = new CudaProblem();
            Assert.Null(problem.Reason);
            problem.Report("the first reason");
            problem.Report("the second reason");
            Assert.Equal("the first reason", problem.Reason);
        }
        finally
        {
            Trace.Listeners.Remove(listener);
        }
        string[] lines = [.. written.ToString().Split('\n').Where(line => line.Contains("Maha.Layers computes", StringComparison.Ordinal))];
        Assert.EndsWith("the first reason", Assert.Single(lines).TrimEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(90, "sm_90a")]
    [InlineData(80, "sm_80")]
    [InlineData(86, "compute_80")]
    [InlineData(120, "compute_90")]
    public void TheArchitecture_IsTheDevicesOrTheNearestOlder(int capability, string expected) =>
        Assert.Equal(expected, CudaCompiler.Architecture(capability, [75, 80, 90]));

    [Fact]
    public void ADeviceThatIsTooOld_IsRefused()
    {
        var refusal = Assert.Throws<CudaException>(() => CudaCompiler.Architecture(61, [75, 80, 90]));
        Assert.Equal("The device has compute capability 6.1, but NVRTC supports 7.5 and later.", refusal.Message);
    }

    [Theory]
    [InlineData("/usr/lib/libnvrtc.so.12", true)]
    [InlineData("/torch/lib/libnvrtc-b51b459d.so.12", true)]
    [InlineData("libnvrtc.so.13.0.88", true)]
    [InlineData("C:\\torch\\nvrtc64_120_0.dll", true)]
    [InlineData("/torch/lib/libnvrtc-builtins.so.12.8", false)]
    [InlineData("/torch/lib/libnvrtc.alt.so.12", false)]
    [InlineData("/torch/lib/libcaffe2_nvrtc.so", false)]
    [InlineData("nvrtc-builtins64_128.dll", false)]
    public void TheCompiler_IsFoundByTheNameOfItsFile(string path, bool expected) =>
        Assert.Equal(expected, CudaLibraries.IsCompilerFile(path.Replace('\\', '/')));

    [Fact]
    public unsafe void Arguments_HaveTheBitsThatTheKernelReads()
    {
        var structure = (1, 2.5);
        CudaArgument[] arguments = [-3, 7u, -5L, 1.5f, 2.5, (nint)11, CudaArgument.Structure(&structure), (Tensor?)null];
        void** addresses = stackalloc void*[arguments.Length];
        fixed (CudaArgument* first = arguments)
        {
            CudaArgument.Collect(first, arguments.Length, addresses);
            Assert.Equal(-3, *(int*)addresses[0]);
            Assert.Equal(7u, *(uint*)addresses[1]);
            Assert.Equal(-5L, *(long*)addresses[2]);
            Assert.Equal(1.5f, *(float*)addresses[3]);
            Assert.Equal(2.5, *(double*)addresses[4]);
            Assert.Equal(11, *(nint*)addresses[5]);
            Assert.Equal((nint)(&structure), (nint)addresses[6]);
            Assert.Equal(0, *(nint*)addresses[7]);
        }
    }

    [Fact]
    public void TheRotation_HasTheFieldsOfTheSource()
    {
        CudaStructure.AssertSameFields("rotary.cu", nameof(RotationPart), typeof(RotationPart));
        CudaStructure.AssertSameFields("rotary.cu", nameof(RotationCall), typeof(RotationCall));
        Assert.Contains($"#define MAX_PARTS {RotationCall.MaxParts}\n", CudaSources.Read("rotary.cu"), StringComparison.Ordinal);
    }

    [Fact]
    public void TheAddressOfAView_IncludesItsOffset()
    {
        using var rows = arange(12, ScalarType.Float32).view(3, 4);
        using var last = rows.narrow(0, 2, 1);
        Assert.Equal(CudaArgument.Address(rows) + (8 * sizeof(float)), CudaArgument.Address(last));
    }
}
