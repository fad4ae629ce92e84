namespace Maha.Layers.Training;

/// <summary>The history of a training. The trained weights are in the module.</summary>
public sealed record TrainingResult
{
    /// <summary>Why the training ended.</summary>
    public required TrainingOutcome Outcome { get; init; }

    /// <summary>One report for every complete epoch.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>The number of the epoch, from 1, whose weights the module has; null without validation, where it has the last weights.</summary>
    public int? BestEpoch { get; init; }

    /// <summary>The metrics of <see cref="BestEpoch"/>; null without validation.</summary>
    public ValidationMetrics? BestValidation { get; init; }

    /// <summary>The number of restarts. <see cref="TrainingOptions.MaxRestarts"/> has the rule.</summary>
    public int NumRestarts => Restarts.Count;

    /// <summary>The restarts of the training; empty without one.</summary>
    internal IReadOnlyList<TrainingRestart> Restarts { get; init; } = [];

    /// <summary>
    /// Whether the weights predict the validation documents better than the prior, which is the share of each class; null without validation, and for tasks that
    /// do not classify.
    /// </summary>
    public bool? IsBetterThanPrior { get; init; }

    /// <summary>The validation loss of the prior; null where it is not known.</summary>
    internal double? PriorLoss { get; init; }

    /// <summary>The number of steps done.</summary>
    public required long Steps { get; init; }

    /// <summary>The number of documents that were trained on, without those for validation.</summary>
    public required int NumTrainingDocuments { get; init; }

    /// <summary>The number of documents for validation.</summary>
    public required int NumValidationDocuments { get; init; }

    /// <summary>The duration of the training.</summary>
    public required TimeSpan Duration { get; init; }
}
