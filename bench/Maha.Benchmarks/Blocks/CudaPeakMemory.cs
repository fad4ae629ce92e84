using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>
/// The most device memory that torch holds for a block: its weights, input and one forward and backward pass.
/// TorchSharp can't ask torch's allocator, which keeps what it once had; so a separate process runs the pass, and the driver reports what it took.
/// </summary>
internal static partial class CudaPeakMemory
{
    /// <summary>The option of <c>block</c> for that process, which prints the MiB and nothing else.</summary>
    public const string Option = "--cuda-peak";

    /// <summary>The MiB that a pass takes in a process of its own; null where it fails, for instance for lack of memory.</summary>
    public static double? MeasureInProcess(string variant, int length, IEnumerable<string> options)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] own = [typeof(CudaPeakMemory).Assembly.Location, "block", "--device", "cuda", "--n",
            length.ToString(CultureInfo.InvariantCulture), "--variants", variant, .. options, Option];
        foreach (string argument in own)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == ExitCode.Success && double.TryParse(output, CultureInfo.InvariantCulture, out double megabytes) ? megabytes : null;
    }

    /// <summary>
    /// The device memory that torch allocates during an action, in MiB. Libraries and their workspaces, which any matrix product needs, are loaded before.
    /// </summary>
    public static double Measure(ScalarType type, Action action)
    {
        using (NewDisposeScope())
        {
            var small = ones([64, 64], type, CUDA);
            _ = small.matmul(small).to(ScalarType.Float32).sum().item<float>();
        }
        cuda.synchronize();
        nuint before = Free();
        action();
        cuda.synchronize();
        return (before - Free()) / (1024.0 * 1024.0);
    }

    private static nuint Free() => GetInfo(out nuint free, out _) == 0
        ? free
        : throw new InvalidOperationException("The CUDA driver does not report how much memory is free (cuMemGetInfo failed).");

    [LibraryImport("libcuda.so.1", EntryPoint = "cuMemGetInfo_v2")]
    private static partial int GetInfo(out nuint free, out nuint total);
}
