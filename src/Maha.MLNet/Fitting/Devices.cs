using Maha.Layers.Core;
using Maha.Layers.Distributed;
using Maha.MLNet.Bridge;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <summary>Chooses the device of a model: the CPU, or the GPU that the MLContext names.</summary>
internal static class Devices
{
    /// <summary>Returns the device of a training: that of <see cref="Choose(IHostEnvironment)"/>, and a GPU of its own for each process of a group.</summary>
    public static Device Choose(IHostEnvironment environment, DistributedTraining distributed)
    {
        var device = Choose(environment);
        // A program that starts the processes may show each of them one GPU alone.
        return distributed == DistributedTraining.Auto && ProcessGroups.IsStartedTogether && device.type == DeviceType.CUDA && ProcessGroups.LocalRank is int rank
            ? new Device(DeviceType.CUDA, rank % cuda.device_count())
            : device;
    }

    /// <summary>Returns the device that <c>MLContext.GpuDeviceId</c> names, or the CPU if it is null.</summary>
    /// <exception cref="InvalidOperationException">There is no such GPU, and <c>MLContext.FallbackToCpu</c> is false.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static Device Choose(IHostEnvironment environment)
    {
        TorchLibrary.EnsureLoaded();
        var (gpu, fallback) = MLNetInternals.DeviceOf(environment);
        if (gpu is not int index)
            return CPU;
        int count = cuda.is_available() ? cuda.device_count() : 0;
        if (index >= 0 && index < count)
            return new Device(DeviceType.CUDA, index);
        if (fallback)
            return CPU;
        throw new InvalidOperationException($"MLContext.GpuDeviceId must be below the number of CUDA devices, but is {index} of {count}. " +
            "Set it to null or FallbackToCpu to true, or install a CUDA build of libtorch.");
    }
}
