namespace Maha.Layers.Training;

/// <summary>The best epoch of a training so far, and whether an epoch has collapsed.</summary>
/// <param name="prior">The metrics of the prior; null where the task has none.</param>
/// <param name="metric">The metric that determines the best epoch.</param>
internal sealed class BestEpoch(PriorBaseline? prior, ValidationMetric metric)
{
    private bool _isCollapsed;

    /// <summary>The report of the epoch, without logits; null before the first validation.</summary>
    public EpochReport? Report { get; private set; }

    /// <summary>The metrics of the epoch, with logits; null before the first validation.</summary>
    public ValidationMetrics? Metrics { get; private set; }

    /// <summary>Whether the epoch is better than the prior. Without a prior every epoch is that did not collapse.</summary>
    public bool IsUseful => Metrics is not null && !_isCollapsed && prior?.IsBeatenBy(Metrics) != false;

    /// <summary>Returns whether an epoch has collapsed: its loss is not finite, is worse than that of the prior, or returned to it.</summary>
    /// <param name="validation">The metrics of the epoch; null without validation, where only a loss that is not finite tells of a collapse.</param>
    /// <param name="trainingLoss">The mean training loss of its last steps.</param>
    /// <param name="isWarm">Whether the warm-up is over, before which a loss says little.</param>
    /// <remarks>
    /// A high validation loss alone may be that of a model that is certain and mostly right. So the training loss must be high, too.
    /// </remarks>
    public bool HasCollapsed(ValidationMetrics? validation, double trainingLoss, bool isWarm)
    {
        if (validation is { IsFinite: false })
            return true;
        if (prior is null || validation is null || !isWarm || prior.IsBeatenBy(validation))
            return false;
        // The training loss of an epoch has auxiliary losses and may begin far above the prior, so the validation at its end must be worse, too.
        bool isWorse = prior.IsExceededBy(trainingLoss) && prior.IsExceededByValidation(validation.Loss);
        return isWorse || (IsUseful && prior.IsReachedBy(trainingLoss));
    }

    /// <summary>Replaces the best epoch by one that is better.</summary>
    /// <param name="report">The report of the epoch.</param>
    /// <param name="validation">Its metrics.</param>
    /// <param name="isCollapsed">Whether it has collapsed.</param>
    /// <returns>Whether the epoch is the best one now.</returns>
    public bool Offer(EpochReport report, ValidationMetrics validation, bool isCollapsed)
    {
        // An epoch that collapsed may have the highest accuracy, that of the largest class, and is not worth keeping for it.
        bool isBetter = Report is null || _isCollapsed == isCollapsed ? validation.IsBetterThan(Report?.Validation, metric) : _isCollapsed;
        if (isBetter)
            (Report, Metrics, _isCollapsed) = (report, validation, isCollapsed);
        return isBetter;
    }
}
