using Microsoft.ML.Data;

namespace Maha.Samples.Shared;

/// <summary>The last line of a run, the same for all classifiers.</summary>
public static class Summary
{
    /// <summary>The line.</summary>
    public static string Line(MulticlassClassificationMetrics metrics, double baselineAccuracy, double seconds) => FormattableString.Invariant(
        $"accuracy={metrics.MicroAccuracy:F4} macro_f1={MacroF1(metrics.ConfusionMatrix):F4} baseline_accuracy={baselineAccuracy:F4} seconds={seconds:F0}");

    private static double MacroF1(ConfusionMatrix matrix)
        => matrix.PerClassPrecision.Zip(
            matrix.PerClassRecall, (precision, recall) => precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0).Average();
}
