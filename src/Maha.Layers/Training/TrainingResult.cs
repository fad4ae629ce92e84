namespace Maha.Layers.Training;

/// <summary>What a training brought. The weights are in the module.</summary>
public sealed record TrainingResult
{
    /// <summary>Why it ended.</summary>
    public required TrainingOutcome Outcome { get; init; }

    /// <summary>One report for every whole epoch.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>The epoch, from 1, whose weights the module has; null where there was no validation: it has the last weights then.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>The metrics of <see cref="BestEpoch"/>; null without validation.</summary>
    public ValidationMetrics? BestValidation { get; init; }

    /// <summary>The number of steps done.</summary>
    public required long Steps { get; init; }

    /// <summary>The number of documents trained on, without those set apart for validation.</summary>
    public required int NumTrainingDocuments { get; init; }

    /// <summary>The number of documents validated on.</summary>
    public required int NumValidationDocuments { get; init; }

    /// <summary>The time of the whole training.</summary>
    public required TimeSpan Duration { get; init; }
}
