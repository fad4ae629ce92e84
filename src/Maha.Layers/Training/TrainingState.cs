namespace Maha.Layers.Training;

/// <summary>
/// The numbers of a training between two steps. With the tensors of <see cref="TrainingCheckpoint"/> they are all that a training needs to go on.
/// </summary>
internal sealed record TrainingState
{
    /// <summary>The position in the epoch, with the sums over its steps so far.</summary>
    public required EpochPosition Position { get; init; }

    /// <summary>The number of steps done, over all epochs.</summary>
    public required long Step { get; init; }

    /// <summary>The step at which the schedule of the learning rate began.</summary>
    public required long FirstStep { get; init; }

    /// <summary>The number of steps of all epochs.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>The number of epochs, restarts included.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>The highest learning rate of the schedule.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The mean training loss of the last half of the last complete epoch.</summary>
    public required double LateLoss { get; init; }

    /// <summary>Whether the last complete epoch has diverged.</summary>
    public required bool IsDiverged { get; init; }

    /// <summary>The report of the last step; null before the first.</summary>
    public TrainingProgress? LastStep { get; init; }

    /// <summary>The reports of the complete epochs.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>The restarts.</summary>
    public required IReadOnlyList<TrainingRestart> Restarts { get; init; }

    /// <summary>The best epoch so far.</summary>
    public required BestEpochState Best { get; init; }

    /// <summary>The times.</summary>
    public required TrainingClockState Clock { get; init; }
}

/// <summary>A position in an epoch, with the sums over its steps so far.</summary>
internal sealed record EpochPosition
{
    /// <summary>The number of the epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>The index of the next step of the epoch; the number of its steps before the validation.</summary>
    public int NextStep { get; init; }

    /// <summary>The sum of the losses, weighted by <see cref="Count"/>.</summary>
    public double LossSum { get; init; }

    /// <summary>The weight of the losses.</summary>
    public double Count { get; init; }

    /// <summary>The sum of the losses of the last half of the steps, weighted by <see cref="LateCount"/>.</summary>
    public double LateSum { get; init; }

    /// <summary>The weight of the losses of the last half of the steps.</summary>
    public double LateCount { get; init; }

    /// <summary>The time of the training at which the epoch began.</summary>
    public TimeSpan Started { get; init; }

    /// <summary>Adds the loss of a step to the sums.</summary>
    /// <param name="loss">The mean loss of the step.</param>
    /// <param name="count">The weight of the loss.</param>
    /// <param name="isLate">Whether the step is in the last half of the epoch.</param>
    public EpochPosition WithLoss(double loss, double count, bool isLate) => this with
    {
        LossSum = LossSum + (loss * count),
        Count = Count + count,
        LateSum = LateSum + (isLate ? loss * count : 0),
        LateCount = LateCount + (isLate ? count : 0),
    };
}

/// <summary>The state of <see cref="BestEpoch"/>.</summary>
/// <param name="Report">The report of the best epoch.</param>
/// <param name="Metrics">Its metrics. Their logits are a tensor of the checkpoint.</param>
/// <param name="IsDiverged">Whether it has diverged.</param>
/// <param name="FirstLoss">The validation loss of the first epoch since the start or restart.</param>
/// <param name="Highest">The best metrics since the start or restart.</param>
/// <param name="LastImprovement">The number of the last epoch that improved the metric.</param>
internal sealed record BestEpochState(
    EpochReport? Report, ValidationMetrics? Metrics, bool IsDiverged, double? FirstLoss, ValidationMetrics? Highest, int? LastImprovement);

/// <summary>The state of <see cref="TrainingClock"/>.</summary>
/// <param name="Elapsed">The time of the training.</param>
/// <param name="Training">The time of the steps.</param>
/// <param name="Validation">The time of the validations.</param>
/// <param name="Tokens">The number of tokens of the steps.</param>
/// <param name="Validations">The number of validations.</param>
/// <param name="TotalTokens">The number of tokens of all steps.</param>
/// <param name="TotalValidations">The number of all validations.</param>
internal sealed record TrainingClockState(
    TimeSpan Elapsed, TimeSpan Training, TimeSpan Validation, long Tokens, int Validations, long TotalTokens, int TotalValidations);
