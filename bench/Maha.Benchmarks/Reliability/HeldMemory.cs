using System.Globalization;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Reliability;

/// <summary>What a process holds after a collection.</summary>
/// <param name="Process">The MiB of the process.</param>
/// <param name="Managed">The MiB of .NET's objects.</param>
/// <param name="Native">The MiB that native code holds, without the free pieces between; null where the C library does not say.</param>
/// <param name="Tensors">TorchSharp's count of live tensors.</param>
internal readonly record struct HeldMemory(double Process, double Managed, double? Native, long Tensors)
{
    /// <summary>Collects what is garbage, and measures.</summary>
    public static HeldMemory Measure()
    {
        ReturnedGradients.Release();
        // Finalizers free tensors, whose memory the process then gives back.
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        PeakMemory.Reset();
        return new HeldMemory(
            PeakMemory.Read() ?? (Environment.WorkingSet / 1048576.0), GC.GetTotalMemory(forceFullCollection: true) / 1048576.0, PeakMemory.Allocated(),
            Tensor.TotalCount);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string native = Native is double held ? string.Create(CultureInfo.InvariantCulture, $", {held:F1} MiB held by native code") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{Process:F0} MiB, {Managed:F1} MiB of .NET's objects{native}, {Tensors} tensors");
    }
}
