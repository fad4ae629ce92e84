using Maha.Layers.Models;

namespace Maha.Layers.Training;

/// <summary>The metrics of a model on a set of documents.</summary>
public sealed record ValidationMetrics
{
    /// <summary>The mean loss, without label smoothing, class weights and auxiliary losses. For classification, the mean of -ln p(label).</summary>
    public required double Loss { get; init; }

    /// <summary>The fraction of correct predictions, in [0, 1]; null where the task does not report it.</summary>
    public double? Accuracy { get; init; }

    /// <summary>The mean F1 score over the classes that occur among labels or predictions, in [0, 1]; null where the task does not report it.</summary>
    public double? MacroF1 { get; init; }

    /// <summary>Diagnostics of the layers of the model on the documents, the first layer first; null where the task does not report it.</summary>
    public IReadOnlyList<LayerDiagnostics>? Layers { get; init; }

    /// <summary>The number of documents or tokens that the means are over.</summary>
    public required long Count { get; init; }

    /// <summary>
    /// The logits [C] of every document, in the order of the documents; for example to calibrate probabilities. Null where the task does
    /// not classify documents, and in reports of epochs and progress, which would keep the logits of all epochs in memory.
    /// </summary>
    public IReadOnlyList<float[]>? Logits { get; init; }

    /// <summary>Returns one of the metrics.</summary>
    /// <param name="metric">The metric.</param>
    /// <returns>The value of the metric.</returns>
    /// <exception cref="InvalidOperationException">The task does not report the metric.</exception>
    public double Get(ValidationMetric metric) => metric switch
    {
        ValidationMetric.Loss => Loss,
        ValidationMetric.Accuracy => Accuracy,
        ValidationMetric.MacroF1 => MacroF1,
        _ => null,
    } ?? throw new InvalidOperationException($"The metric must be one that the task reports, but {metric} is not. Use {nameof(ValidationMetric.Loss)}.");

    /// <summary>Whether the predictions of the model are finite. Without predictions the loss is NaN, which does not mean a divergence.</summary>
    internal bool IsFinite => Count == 0 || double.IsFinite(Loss);

    /// <summary>
    /// Returns whether these metrics are better than others; true where the others are null. A metric that is NaN, or of a model whose loss
    /// is not finite, is worse than every number.
    /// </summary>
    internal bool IsBetterThan(ValidationMetrics? other, ValidationMetric metric)
    {
        double mine = ComparableValue(metric);
        if (other is null || double.IsNaN(mine))
            return other is null;
        double theirs = other.ComparableValue(metric);
        return double.IsNaN(theirs) || (metric == ValidationMetric.Loss ? mine < theirs : mine > theirs);
    }

    private double ComparableValue(ValidationMetric metric) => IsFinite ? Get(metric) : double.NaN;
}
