namespace Maha.Layers.Training;

/// <summary>The report of one epoch.</summary>
public sealed record EpochReport
{
    /// <summary>The number of the epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>The mean loss of the batches of the epoch, each before its step; NaN where no batch had a loss.</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>The validation metrics after the epoch; null without validation.</summary>
    public ValidationMetrics? Validation { get; init; }

    /// <summary>The duration of the epoch, validation included.</summary>
    public required TimeSpan Duration { get; init; }
}
