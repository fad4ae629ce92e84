using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;

namespace Maha.Layers.Kernels;

/// <summary>The native libraries that CUDA kernels need: NVIDIA's driver, its run-time compiler NVRTC, and TorchSharp's.</summary>
/// <remarks>Nothing here is installed by the package: the driver comes with the system, NVRTC with every CUDA build of libtorch.</remarks>
internal static partial class CudaLibraries
{
    /// <summary>The name in declarations of functions of the driver API.</summary>
    public const string Driver = "cuda";

    /// <summary>The name in declarations of functions of NVRTC.</summary>
    public const string Compiler = "nvrtc";

    /// <summary>The name in declarations of functions of TorchSharp's native library.</summary>
    public const string Torch = "LibTorchSharp";

    private static readonly string[] s_driverNames = OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];

    // Versions 12 and 13 have the same functions. The unversioned name exists only where a CUDA toolkit is installed.
    private static readonly string[] s_compilerNames = OperatingSystem.IsWindows()
        ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"]
        : ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

    private static readonly Lazy<nint> s_driver = new(() => LoadFirst(s_driverNames));
    private static readonly Lazy<nint> s_compiler = new(LoadCompiler);

    static CudaLibraries() => NativeLibrary.SetDllImportResolver(typeof(CudaLibraries).Assembly, Resolve);

    /// <summary>Whether the driver is installed.</summary>
    public static bool HasDriver => s_driver.Value != 0;

    /// <summary>Whether NVRTC was found.</summary>
    public static bool HasCompiler => s_compiler.Value != 0;

    /// <summary>Makes the libraries available to the declarations. Every class with such declarations calls it in its static constructor.</summary>
    public static void Register()
    {
    }

    /// <summary>Whether a file is NVRTC, and not one of the libraries of similar names that belong to it.</summary>
    /// <remarks>Archives of libtorch rename the file: a hash follows the name.</remarks>
    internal static bool IsCompilerFile(string path) => CompilerFile().IsMatch(Path.GetFileName(path));

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        Driver => s_driver.Value,
        Compiler => s_compiler.Value,
        Torch => NativeLibrary.Load(Torch, typeof(torch).Assembly, null),
        _ => 0,
    };

    private static nint LoadCompiler()
    {
        string[] loaded = LoadedFiles();

        // The same file that libtorch has loaded, if it has; then the files beside libtorch and its CUDA libraries; then wherever the loader searches.
        string[] files =
        [
            .. loaded.Where(IsCompilerFile),
            .. loaded.Where(IsCudaLibrary).Select(Path.GetDirectoryName).Distinct().SelectMany(folder => CompilerFiles(folder!)),
        ];
        return LoadFirst([.. files, .. s_compilerNames]);
    }

    private static nint LoadFirst(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return library;
        }
        return 0;
    }

    private static string[] LoadedFiles()
    {
        using var process = Process.GetCurrentProcess();
        return [.. process.Modules.Cast<ProcessModule>().Select(module => module.FileName).Where(file => file.Length > 0)];
    }

    private static bool IsCudaLibrary(string path) => CudaLibraryFile().IsMatch(Path.GetFileName(path));

    private static IEnumerable<string> CompilerFiles(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder).Where(IsCompilerFile).OrderDescending(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [GeneratedRegex(@"^(libnvrtc(-[0-9a-f]+)?\.so(\.\d+)*|nvrtc64_\d+_\d+\.dll)$")]
    private static partial Regex CompilerFile();

    [GeneratedRegex(@"^(lib)?(torch_cuda|c10_cuda|cudart|cublas|cublasLt|cudnn)")]
    private static partial Regex CudaLibraryFile();
}
