using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>Whether the library's CUDA kernels are used. Where they can't be, the layers use torch's operators, and one line of the trace says why.</summary>
/// <remarks>The environment variable MAHA_CUDA_KERNELS with the value 0 turns the kernels off.</remarks>
internal static class CudaKernels
{
    private const string Variable = "MAHA_CUDA_KERNELS";

    private static readonly Lazy<string?> s_missing = new(() => Missing(CudaLibraries.HasDriver, CudaLibraries.HasCompiler));
    private static readonly CudaProblem s_problem = new();
    private static volatile bool s_isEnabled = Environment.GetEnvironmentVariable(Variable) != "0";
    private static long s_launches;

    /// <summary>Whether kernels may be used; false makes the layers use torch's operators, for comparisons.</summary>
    public static bool IsEnabled
    {
        get => s_isEnabled;
        set => s_isEnabled = value;
    }

    /// <summary>The number of launches of the library's own kernels in this process.</summary>
    public static long Launches => Interlocked.Read(ref s_launches);

    /// <summary>The first reason why a kernel was not used though its tensors are on a CUDA device; null where there is none.</summary>
    public static string? Problem => s_problem.Reason;

    /// <summary>Whether kernels run on the device of a tensor. The first time that they can't on a CUDA device, the trace says why.</summary>
    public static bool CanUse(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CUDA || !s_isEnabled)
            return false;
        if (s_missing.Value is not { } missing)
            return true;
        s_problem.Report(missing);
        return false;
    }

    /// <summary>Returns the shared module of a source; null where kernels can't be used, or this source can't be compiled or loaded.</summary>
    /// <param name="tensor">The tensor on whose device the kernels are to run.</param>
    /// <param name="source">The file name in <see cref="CudaSources"/>.</param>
    /// <param name="options">As for <see cref="CudaModule.Get"/>.</param>
    public static CudaModule? TryGetModule(Tensor tensor, string source, string options)
    {
        if (!CanUse(tensor))
            return null;
        try
        {
            return CudaModule.Get(source, options, tensor.device_index);
        }
        catch (CudaException e)
        {
            s_problem.Report(e.Message);
            return null;
        }
    }

    /// <summary>Returns what kernels need and this system lacks; null where nothing is missing.</summary>
    internal static string? Missing(bool hasDriver, bool hasCompiler) =>
        !hasDriver ? "NVIDIA's driver library (libcuda.so.1, nvcuda.dll) can't be loaded. Install NVIDIA's driver."
        : !hasCompiler ? "NVRTC (libnvrtc.so.12 or .13, nvrtc64_120_0.dll) was not found. It comes with CUDA builds of libtorch: keep it beside libtorch's files."
        : null;

    internal static void CountLaunch() => Interlocked.Increment(ref s_launches);
}
