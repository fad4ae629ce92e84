using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Maha.Benchmarks.Blocks;

/// <summary>Counts what a process launches on CUDA devices: kernels by name, copies and fills, whoever launches them (torch, cuBLAS, cuDNN, Maha).</summary>
/// <remarks>By callbacks of CUPTI, NVIDIA's profiling library, which every CUDA build of libtorch brings. Without it nothing can be counted.</remarks>
internal static unsafe partial class CudaLaunches
{
    private const string Library = "cupti";
    private const int DriverDomain = 1, RuntimeDomain = 2;
    private const int Enter = 0;

    private static readonly Lazy<nint> s_library = new(Load);
    private static readonly Dictionary<string, int> s_kernels = [];
    private static int s_copies;
    private static int s_fills;

    // The depth of calls of the CUDA runtime on this thread, which calls the driver in turn.
    [ThreadStatic]
    private static int s_depth;

    static CudaLaunches() => NativeLibrary.SetDllImportResolver(
        typeof(CudaLaunches).Assembly, (name, _, _) => name == Library ? s_library.Value : 0);

    /// <summary>The launches of an action; null where CUPTI is not there or serves another profiler.</summary>
    /// <param name="action">It must wait for the device at its end.</param>
    public static LaunchCounts? Count(Action action)
    {
        nint subscriber;
        if (s_library.Value == 0 || Subscribe(&subscriber, &OnCall, null) != 0)
            return null;
        try
        {
            lock (s_kernels)
            {
                s_kernels.Clear();
                (s_copies, s_fills) = (0, 0);
            }
            Check(EnableDomain(1, subscriber, DriverDomain), "cuptiEnableDomain");
            Check(EnableDomain(1, subscriber, RuntimeDomain), "cuptiEnableDomain");
            action();
        }
        finally
        {
            Check(Unsubscribe(subscriber), "cuptiUnsubscribe");
        }
        lock (s_kernels)
            return new LaunchCounts(s_kernels.Values.Sum(), s_copies, s_fills, new Dictionary<string, int>(s_kernels));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnCall(void* user, int domain, uint id, CallbackData* data)
    {
        bool enters = data->Site == Enter;
        if (domain == RuntimeDomain)
            s_depth += enters ? 1 : -1;

        // A call of the driver by the runtime is part of a call that was counted.
        if (!enters || (domain == RuntimeDomain ? s_depth > 1 : s_depth > 0))
            return;
        string name = Marshal.PtrToStringUTF8((nint)data->FunctionName) ?? "";
        lock (s_kernels)
        {
            if (LaunchName().IsMatch(name))
            {
                string kernel = Marshal.PtrToStringUTF8((nint)data->SymbolName) ?? "?";
                s_kernels[kernel] = s_kernels.GetValueOrDefault(kernel) + 1;
            }
            else if (CopyName().IsMatch(name))
            {
                s_copies++;
            }
            else if (FillName().IsMatch(name))
            {
                s_fills++;
            }
        }
    }

    private static void Check(int result, string call)
    {
        if (result != 0)
            throw new InvalidOperationException($"{call} failed with CUPTI's error {result}.");
    }

    // libtorch's profiler links to CUPTI, so that it is loaded with libtorch.
    private static nint Load()
    {
        using var process = Process.GetCurrentProcess();
        string[] files = [.. process.Modules.Cast<ProcessModule>().Select(module => module.FileName).Where(file => FileName().IsMatch(Path.GetFileName(file)))];
        foreach (string file in (string[])[.. files, "libcupti.so.13", "libcupti.so.12", "libcupti.so"])
        {
            if (NativeLibrary.TryLoad(file, out nint library))
                return library;
        }
        return 0;
    }

    [GeneratedRegex("^(cudaLaunch|cuLaunch)(?!HostFunc)")]
    private static partial Regex LaunchName();

    [GeneratedRegex("^(cudaMemcpy|cuMemcpy)")]
    private static partial Regex CopyName();

    [GeneratedRegex("^(cudaMemset|cuMemset)")]
    private static partial Regex FillName();

    [GeneratedRegex(@"^(lib)?cupti(64)?[-_.]")]
    private static partial Regex FileName();

    [LibraryImport(Library, EntryPoint = "cuptiSubscribe")]
    private static partial int Subscribe(nint* subscriber, delegate* unmanaged[Cdecl]<void*, int, uint, CallbackData*, void> callback, void* user);

    [LibraryImport(Library, EntryPoint = "cuptiUnsubscribe")]
    private static partial int Unsubscribe(nint subscriber);

    [LibraryImport(Library, EntryPoint = "cuptiEnableDomain")]
    private static partial int EnableDomain(uint enable, nint subscriber, int domain);

    /// <summary>The beginning of CUPTI's CUpti_CallbackData.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct CallbackData
    {
        public int Site;
        public byte* FunctionName;
        public void* Parameters;
        public void* ReturnValue;
        public byte* SymbolName;
    }
}

/// <summary>What was launched on a device.</summary>
/// <param name="Kernels">Launches of kernels.</param>
/// <param name="Copies">Copies of memory that are not kernels.</param>
/// <param name="Fills">Fills of memory that are not kernels.</param>
/// <param name="ByName">Launches by the name of the kernel, as the compiler wrote it.</param>
internal sealed record LaunchCounts(int Kernels, int Copies, int Fills, IReadOnlyDictionary<string, int> ByName);
