namespace Maha.Layers.Training;

/// <summary>The best epoch of a training so far, and whether an epoch has diverged.</summary>
/// <param name="prior">The metrics of the prior; null where the task has none.</param>
/// <param name="metric">The metric that determines the best epoch.</param>
internal sealed class BestEpoch(PriorBaseline? prior, ValidationMetric metric)
{
    private bool _isDiverged;
    private double? _firstLoss;
    private ValidationMetrics? _highest;

    /// <summary>The report of the epoch, without logits; null before the first validation.</summary>
    public EpochReport? Report { get; private set; }

    /// <summary>The metrics of the epoch, with logits; null before the first validation.</summary>
    public ValidationMetrics? Metrics { get; private set; }

    /// <summary>The number of the last epoch that improved the metric, for early stopping; null before the first validation.</summary>
    /// <remarks>An epoch that diverged counts, too: where a training learns slowly, chance decides which epoch is above the prior.</remarks>
    public int? LastImprovement { get; private set; }

    /// <summary>Whether the epoch is better than the prior. Without a prior every epoch is that did not diverge.</summary>
    public bool IsUseful => Metrics is not null && !_isDiverged && prior?.IsBeatenBy(Metrics) != false;

    /// <summary>The state, without logits.</summary>
    public BestEpochState State =>
        new(Report, Metrics is null ? null : Metrics with { Logits = null }, _isDiverged, _firstLoss, _highest, LastImprovement);

    /// <summary>Goes on from a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="logits">The logits of the best epoch; null where there are none.</param>
    public void Restore(BestEpochState state, IReadOnlyList<float[]>? logits)
    {
        (Report, _isDiverged, _firstLoss, _highest, LastImprovement) = (state.Report, state.IsDiverged, state.FirstLoss, state.Highest, state.LastImprovement);
        Metrics = state.Metrics is null ? null : state.Metrics with { Logits = logits };
    }

    /// <summary>
    /// Returns whether an epoch has diverged: its validation loss is not finite, or its losses are worse than those of the prior and its validation loss is
    /// higher than that of the first epoch since the start or restart.
    /// </summary>
    /// <param name="validation">The metrics of the epoch.</param>
    /// <param name="trainingLoss">The mean training loss of its last steps.</param>
    /// <remarks>
    /// A high validation loss alone may be that of a model that is certain and mostly right, and a high training loss alone that of auxiliary losses. Before
    /// a model learns, its losses are near the prior, so a loss that has fallen since the first epoch is no divergence.
    /// </remarks>
    public bool HasDiverged(ValidationMetrics validation, double trainingLoss)
    {
        if (!validation.IsFinite)
            return true;
        double first = _firstLoss ??= validation.Loss;
        return prior is not null && validation.Loss > first && !prior.IsBeatenBy(validation)
            && prior.IsExceededBy(trainingLoss) && prior.IsExceededByValidation(validation.Loss);
    }

    /// <summary>
    /// Prepares for a restart: the next epoch is the first one for <see cref="HasDiverged"/> and <see cref="LastImprovement"/>. The best epoch stays.
    /// </summary>
    public void Restart() => (_firstLoss, _highest) = (null, null);

    /// <summary>Replaces the best epoch by one that is better.</summary>
    /// <param name="report">The report of the epoch.</param>
    /// <param name="validation">Its metrics.</param>
    /// <param name="isDiverged">Whether it has diverged.</param>
    /// <returns>Whether the epoch is the best one now.</returns>
    public bool Offer(EpochReport report, ValidationMetrics validation, bool isDiverged)
    {
        // An epoch that diverged may have the highest accuracy, that of the largest class, and is not worth keeping for it.
        bool isBetter = Report is null || _isDiverged == isDiverged ? validation.IsBetterThan(Report?.Validation, metric) : _isDiverged;
        if (isBetter)
            (Report, Metrics, _isDiverged) = (report, validation, isDiverged);
        if (isBetter || validation.IsBetterThan(_highest, metric))
            LastImprovement = report.Epoch;
        if (validation.IsBetterThan(_highest, metric))
            _highest = validation with { Logits = null };
        return isBetter;
    }
}
