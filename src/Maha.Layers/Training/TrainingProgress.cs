namespace Maha.Layers.Training;

/// <summary>The progress of a training, reported after every step, after every validation and at every restart.</summary>
public sealed record TrainingProgress
{
    /// <summary>The number of the epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>The number of epochs, if early stopping does not end the training before. A restart may raise it.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>The number of steps done, over all epochs.</summary>
    public required long Step { get; init; }

    /// <summary>The number of steps of all epochs. Above 256 epochs it is an estimate, since the number of batches differs a little by epoch.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>The mean loss of the batches of the step; NaN where no batch had a loss.</summary>
    public required double Loss { get; init; }

    /// <summary>The learning rate of the step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The norm of all gradients together, before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>The mean number of training tokens per second, without padding and without the time of validation.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The time since the start of the training.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The estimated remaining time, validations included, if early stopping does not end the training before.</summary>
    public required TimeSpan TimeLeft { get; init; }

    /// <summary>The restart of the training that this report announces; null in other reports.</summary>
    internal TrainingRestart? Restart { get; init; }

    /// <summary>The metrics of the validation that this report follows; null in the reports of steps.</summary>
    public ValidationMetrics? Validation { get; init; }
}
