namespace Maha.Layers.Training;

/// <summary>Where a training stands: after every step, and after every validation.</summary>
public sealed record TrainingProgress
{
    /// <summary>The epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>The number of epochs if none is saved by early stopping.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>The number of steps done, in all epochs.</summary>
    public required long Step { get; init; }

    /// <summary>The number of steps of all epochs; of more than 256 epochs an estimate, since each has other batches.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>The loss of the step, a mean over its batches; NaN where they had nothing to learn from.</summary>
    public required double Loss { get; init; }

    /// <summary>The learning rate of the step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The norm of all gradients of the step together, before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>Training tokens a second, padding and the time of validation not counted, from the start of the training.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The time since the training began.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The time that all epochs will still take, with their validations, if none is saved by early stopping.</summary>
    public required TimeSpan TimeLeft { get; init; }

    /// <summary>The metrics of the validation that has just ended; null in the reports of steps.</summary>
    public ValidationMetrics? Validation { get; init; }
}
