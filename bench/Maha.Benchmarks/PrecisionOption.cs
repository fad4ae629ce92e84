using Maha.MLNet;
using Maha.MLNet.Fitting;
using static TorchSharp.torch;

namespace Maha.Benchmarks;

/// <summary>The option <c>--precision</c> of the commands that train networks, with the default of the trainers of ML.NET.</summary>
internal static class PrecisionOption
{
    public const string Arguments = "[--precision auto|float32|bfloat16]";

    /// <summary>Returns the type that a network computes with; null for Float32.</summary>
    /// <exception cref="UsageException">There is no such precision, or the device does not have it.</exception>
    public static ScalarType? Read(OptionReader reader, Device device)
    {
        string text = reader.Text("--precision", "auto");
        if (!Enum.TryParse(text, ignoreCase: true, out TrainingPrecision precision) || !Enum.IsDefined(precision))
            throw new UsageException($"--precision must be auto, float32 or bfloat16, but is '{text}'.");
        try
        {
            return PrecisionChoice.Choose(precision, device, group: null);
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }
}
