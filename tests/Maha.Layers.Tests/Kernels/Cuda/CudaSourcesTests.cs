using System.Text.RegularExpressions;
using Maha.Layers.Kernels;

namespace Maha.Layers.Tests.Kernels.Cuda;

public sealed partial class CudaSourcesTests
{
    [Fact]
    public void EverySourceFile_IsInTheAssembly()
    {
        string[] files =
        [
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "Maha.Layers"), "*.cu*", SearchOption.AllDirectories)
                .Where(file => Path.GetExtension(file) is ".cu" or ".cuh").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal),
        ];
        Assert.Contains("residual_norm.cu", files);
        Assert.Equal(files, CudaSources.Names);
    }

    [Fact]
    public void EveryInclude_IsASource() => Assert.All(
        CudaSources.Names.SelectMany(name => Includes().Matches(CudaSources.Read(name)).Select(match => match.Groups[1].Value)),
        included => Assert.Contains(included, CudaSources.Headers));

    [Fact]
    public void AnUnknownSource_IsRefused() => Assert.Throws<ArgumentException>(() => CudaSources.Read("unknown.cu"));

    [Fact]
    public void TheHash_DependsOnTextsAndNames()
    {
        string hash = CudaSources.Hash([("a.cu", "x"), ("b.cu", "y")]);
        Assert.Equal(64, hash.Length);
        Assert.NotEqual(hash, CudaSources.Hash([("a.cu", "x"), ("b.cu", "z")]));
        Assert.NotEqual(hash, CudaSources.Hash([("a.cu", "x"), ("c.cu", "y")]));
        Assert.NotEqual(hash, CudaSources.Hash([("a.cu", "x")]));
        Assert.Equal(CudaSources.Hash([("a.cu", "x\ny")]), CudaSources.Hash([("a.cu", "x\r\ny")]));
    }

    // The continuous tests have no GPU. So whoever changes a kernel runs the checks on one, and commits what they print.
    [Fact]
    public void TheKernels_WereCheckedOnADeviceSinceTheirLastChange()
    {
        string line = $"kernel sources {CudaSources.Hash()}";
        string[] files = Directory.GetFiles(Path.Combine(Repository.Root, "bench", "results"), "device_*.md");
        Assert.True(
            files.Any(file => File.ReadAllText(file) is var text && text.Contains(line, StringComparison.Ordinal)
                && text.Contains("\nall checks passed\n", StringComparison.Ordinal) && !text.Contains("\nFAIL", StringComparison.Ordinal)),
            $"A CUDA source changed since the last check on a GPU. Run './bench.sh device --out bench/results/device_cuda_CARD_YYYYMM.md' on a machine with one; "
            + $"all checks must pass. No file of bench/results has the line '{line}'.");
    }

    [GeneratedRegex("#include \"([^\"]+)\"")]
    private static partial Regex Includes();
}
