namespace Maha.Layers.Training;

/// <summary>What an epoch brought.</summary>
public sealed record EpochReport
{
    /// <summary>The epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>The mean loss of the epoch's batches while the weights were changing; NaN where there was nothing to learn from.</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>The metrics after the epoch; null without validation.</summary>
    public ValidationMetrics? Validation { get; init; }

    /// <summary>The time of the epoch, its validation included.</summary>
    public required TimeSpan Duration { get; init; }
}
