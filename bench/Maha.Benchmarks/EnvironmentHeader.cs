using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Maha.Layers.Kernels;
using TorchSharp;

namespace Maha.Benchmarks;

/// <summary>The conditions that a time depends on, printed above every table: versions, BLAS, threads, processor.</summary>
internal static class EnvironmentHeader
{
    private static readonly string[] s_blasNames = ["openblas", "mkl_rt", "mkl_core", "blis", "libblas", "atlas"];

    /// <summary>Prints the header as lines that begin with '#'. Call it after the first tensor is created: until then no BLAS is loaded.</summary>
    public static void Print(TextWriter output)
    {
        output.WriteLine($"# libtorch {torch.__version__} "
            + $"({typeof(torch).Assembly.GetName().Name}), {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}");
        output.WriteLine($"# BLAS {Blas()}, threads {torch.get_num_threads()}, "
            + $"OMP_WAIT_POLICY {Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "unset"}");
        output.WriteLine($"# processor {Processor()}, {Environment.ProcessorCount} logical, {Capability()}");
        if (torch.cuda.is_available())
            output.WriteLine($"# CUDA devices {torch.cuda.device_count()}, the first: {Card()}");
    }

    private static string Card()
    {
        if (!CudaLibraries.HasDriver)
            return "unknown (no driver library)";
        var device = CudaDevice.Get(0);
        string compiler = CudaLibraries.HasCompiler ? $"{CudaCompiler.Version / 1000}.{CudaCompiler.Version % 1000 / 10}" : "not found";
        return $"{device.Name}, driver for CUDA {device.DriverVersion / 1000}.{device.DriverVersion % 1000 / 10}, NVRTC {compiler}";
    }

    /// <summary>The file of the BLAS that this process has loaded, as the kernel maps it.</summary>
    private static string Blas()
    {
        const string maps = "/proc/self/maps";
        if (!File.Exists(maps))
            return "unknown (no " + maps + ")";
        var loaded = File.ReadLines(maps)
            .Select(line => line[(line.IndexOf('/') is >= 0 and var start ? start : line.Length)..])
            .Where(path => path.Length > 0 && s_blasNames.Any(Path.GetFileName(path).Contains))
            .Distinct().ToList();
        return loaded.Count == 0 ? "inside libtorch" : string.Join(" + ", loaded);
    }

    private static string Processor()
    {
        const string info = "/proc/cpuinfo";
        string? model = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return model is null ? RuntimeInformation.ProcessArchitecture.ToString() : model[(model.IndexOf(':') + 1)..].Trim();
    }

    private static string Capability()
        => Avx512F.IsSupported ? "AVX512" : Avx2.IsSupported ? "AVX2" : Sse42.IsSupported ? "SSE4.2" : RuntimeInformation.ProcessArchitecture.ToString();
}
