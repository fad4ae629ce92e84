using Maha.Layers.Models;


namespace Maha.Layers.Training;

/// <summary>How a model does on a set of documents.</summary>
public sealed record ValidationMetrics
{
    /// <summary>The mean loss, without label smoothing, class weights and auxiliary losses. For classes: the mean of -ln p(label).</summary>
    public required double Loss { get; init; }

    /// <summary>The share of right predictions; null where the task predicts no classes.</summary>
    public double? Accuracy { get; init; }

    /// <summary>The mean F1 score over the classes that occur among labels or predictions; null where the task doesn't report it.</summary>
    public double? MacroF1 { get; init; }

    /// <summary>What the model's layers did with the documents, the first layer first; null where the task doesn't report it.</summary>
    public IReadOnlyList<LayerDiagnostics>? Layers { get; init; }

    /// <summary>What the means are over: documents, or tokens.</summary>
    public required long Count { get; init; }

    /// <summary>
    /// The logits [C] of every document, in the order of the documents, for what is fitted on validation (<see cref="TemperatureScaling"/>);
    /// null where the task classifies no documents, and in reports of epochs and progress, which would keep them for all epochs.
    /// </summary>
    public IReadOnlyList<float[]>? Logits { get; init; }

    /// <summary>One of the metrics.</summary>
    /// <exception cref="InvalidOperationException">The task doesn't report it.</exception>
    public double Get(ValidationMetric metric) => metric switch
    {
        ValidationMetric.Loss => Loss,
        ValidationMetric.Accuracy => Accuracy,
        ValidationMetric.MacroF1 => MacroF1,
        _ => null,
    } ?? throw new InvalidOperationException($"The metric must be one that the task reports, but {metric} is not. Use {nameof(ValidationMetric.Loss)}.");

    /// <summary>Whether the model made finite predictions. Where nothing was predicted the loss is no number, and says nothing.</summary>
    internal bool IsFinite => Count == 0 || double.IsFinite(Loss);

    /// <summary>Whether these metrics are better than others. A metric that is not a number, or of a model whose loss is not finite, is never better, and any number is better than it.</summary>
    internal bool IsBetterThan(ValidationMetrics? other, ValidationMetric metric)
    {
        double mine = Judged(metric);
        if (other is null || double.IsNaN(mine))
            return other is null;
        double theirs = other.Judged(metric);
        return double.IsNaN(theirs) || (metric == ValidationMetric.Loss ? mine < theirs : mine > theirs);
    }

    private double Judged(ValidationMetric metric) => IsFinite ? Get(metric) : double.NaN;
}
