using System.Globalization;
using Maha.Layers.Models;
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
                + $"accuracy {metrics.Accuracy:F4}, {value.TokensPerSecond:F0} tokens/s, {value.Elapsed.TotalSeconds:F0} s{Weights(metrics.Layers)}"));
        }
    }

    // The mean weight of each scale and the share of zero weights, by layer.
    private static string Weights(IReadOnlyList<LayerDiagnostics>? layers)
    {
        var lines = (layers ?? []).Where(layer => layer.MeanScaleWeights is not null).Select(layer => string.Create(CultureInfo.InvariantCulture,
            $"{string.Join(' ', layer.MeanScaleWeights!.Select(weight => weight.ToString("F3", CultureInfo.InvariantCulture)))} ({layer.Sparsity:P0} zero)"));
        string text = string.Join("; ", lines);
        return text.Length == 0 ? "" : $", weights of the scales {text}";
    }
}
