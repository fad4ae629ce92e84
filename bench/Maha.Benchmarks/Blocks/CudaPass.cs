using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>
/// The device memory and the launches of one block's passes, taken in a process of their own. TorchSharp can't ask torch's allocator, which keeps what it once
/// had: in a fresh process the driver reports what it took. A counter of launches would slow the measured process down.
/// </summary>
/// <param name="PeakMegabytes">The memory that torch holds after one forward and backward pass: weights, input, activations and gradients, in MiB.</param>
/// <param name="Forward">The launches of a forward pass without gradient; null where CUPTI is missing.</param>
/// <param name="Train">The launches of a forward and backward pass.</param>
/// <param name="OwnForward">Those of the forward pass that are Maha's own kernels.</param>
/// <param name="OwnTrain">Those of the forward and backward pass that are Maha's own kernels.</param>
internal sealed partial record CudaPass(double PeakMegabytes, LaunchCounts? Forward, LaunchCounts? Train, long OwnForward, long OwnTrain)
{
    /// <summary>The option of <c>block</c> for that process, which prints the record as JSON and nothing else.</summary>
    public const string Option = "--cuda-pass";

    /// <summary>Measures a pass in a process of its own; null where it fails, for instance for lack of memory.</summary>
    public static CudaPass? MeasureInProcess(string variant, int length, IEnumerable<string> options)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] own = [typeof(CudaPass).Assembly.Location, "block", "--device", "cuda", "--n",
            length.ToString(CultureInfo.InvariantCulture), "--variants", variant, .. options, Option];
        foreach (string argument in own)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == ExitCode.Success)
            return JsonSerializer.Deserialize<CudaPass>(output);
        Console.Error.WriteLine($"The memory and the launches of {variant} at {length} tokens are not known: {errors.Result.Trim()}");
        return null;
    }

    /// <summary>
    /// Measures a pass in this process, which must not have run one before. Libraries and their workspaces, which any matrix product needs, are loaded before.
    /// </summary>
    public static CudaPass Measure(ScalarType type, Func<BlockMeasurement> create)
    {
        using (NewDisposeScope())
        {
            var small = ones([64, 64], type, CUDA);
            _ = small.matmul(small).to(ScalarType.Float32).sum().item<float>();
        }
        cuda.synchronize();
        nuint before = FreeBytes();
        using var run = create();
        run.RunOnce();
        cuda.synchronize();
        double peak = (before - FreeBytes()) / (1024.0 * 1024.0);
        run.RunForwardOnce();
        long start = CudaKernels.Launches;
        var forward = CudaLaunches.Count(run.RunForwardOnce);
        long middle = CudaKernels.Launches;
        var train = CudaLaunches.Count(run.RunOnce);
        return new CudaPass(peak, forward, train, middle - start, CudaKernels.Launches - middle);
    }

    private static nuint FreeBytes() => GetInfo(out nuint free, out _) == 0
        ? free
        : throw new InvalidOperationException("The CUDA driver does not report how much memory is free (cuMemGetInfo failed).");

    [LibraryImport("libcuda.so.1", EntryPoint = "cuMemGetInfo_v2")]
    private static partial int GetInfo(out nuint free, out nuint total);
}
