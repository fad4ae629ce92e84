using System.Globalization;
using Maha.Layers.Training;

namespace Maha.Benchmarks.Training;

/// <summary>Writes one line per epoch of a training to standard error.</summary>
internal sealed class EpochLines(string name) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Validation is { } metrics)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: epoch {value.Epoch}, validation "
                + $"accuracy {metrics.Accuracy:F4}, {value.TokensPerSecond:F0} tokens/s, {value.Elapsed.TotalSeconds:F0} s"));
        }
    }
}
