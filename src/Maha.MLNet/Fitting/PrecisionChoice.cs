using Maha.Layers.Distributed;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <summary>Chooses the type that a network computes with during its training, by <see cref="MahaEstimatorOptions.Precision"/> and the device.</summary>
internal static class PrecisionChoice
{
    // The first GPUs that multiply matrices of bfloat16 are Ampere's.
    private const int LeastCapability = 80;

    /// <summary>Returns the type for a device. Processes that train together have one type: Float32 if one of them chooses it.</summary>
    /// <param name="precision">The option.</param>
    /// <param name="device">The device of the training.</param>
    /// <param name="group">The processes that train together; null for this one alone.</param>
    /// <returns>BFloat16; null for the type of the weights, Float32.</returns>
    /// <exception cref="ArgumentException">The device does not compute in the precision that is asked for.</exception>
    public static ScalarType? Choose(TrainingPrecision precision, Device device, ProcessGroup? group)
    {
        var own = Choose(precision, device, CapabilityOf(device));
        return group?.Any(own is null) == true ? null : own;
    }

    /// <summary>Returns a warning for a type in which a device is slow; null for none.</summary>
    public static string? Warning(ScalarType? computeType, Device device) => computeType is null || device.type != DeviceType.CPU ? null
        : $"{nameof(MahaEstimatorOptions.Precision)} should be Auto or Float32 on a processor, but is {computeType}: training is slower on most processors. Leave it out.";

    /// <summary>Returns the type for a device whose compute capability is known.</summary>
    /// <param name="precision">The option.</param>
    /// <param name="device">The device of the training.</param>
    /// <param name="capability">10 times the major plus the minor compute capability of a GPU; null for a processor, and for a GPU that does not tell it.</param>
    internal static ScalarType? Choose(TrainingPrecision precision, Device device, int? capability)
    {
        if (precision == TrainingPrecision.BFloat16 && capability < LeastCapability)
        {
            throw new ArgumentException(
                $"{nameof(MahaEstimatorOptions.Precision)} must be Auto or Float32 on a GPU of compute capability below 8.0, but is {precision}, and {device} has " +
                $"{capability / 10}.{capability % 10}. Leave it out, or choose another GPU.", nameof(MahaEstimatorOptions.Precision));
        }
        bool isLower = precision == TrainingPrecision.BFloat16 || (precision == TrainingPrecision.Auto && capability >= LeastCapability);
        return isLower ? ScalarType.BFloat16 : null;
    }

    private static int? CapabilityOf(Device device)
    {
        if (device.type != DeviceType.CUDA || !CudaLibraries.HasDriver)
            return null;
        try
        {
            return CudaDevice.Get(device.index).ComputeCapability;
        }
        catch (CudaException)
        {
            // Auto is then Float32, which every GPU has.
            return null;
        }
    }
}
