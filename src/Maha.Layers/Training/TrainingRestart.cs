namespace Maha.Layers.Training;

/// <summary>A restart of a training that diverged. <see cref="TrainingOptions.MaxRestarts"/> has the rule.</summary>
internal sealed record TrainingRestart
{
    /// <summary>The number of the epoch, from 1, after which the training started again. It may be incomplete.</summary>
    public required int Epoch { get; init; }

    /// <summary>The mean training loss of the last half of the epoch's steps. It may be NaN or infinite.</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>The validation loss of the epoch; null without validation, or where the epoch is incomplete.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The validation loss of the prior, which predicts the share of each class; null where it is not known.</summary>
    public double? PriorLoss { get; init; }

    /// <summary>The number of the epoch whose weights the training starts from; null for the first weights.</summary>
    public int? FromEpoch { get; init; }

    /// <summary>The highest learning rate from now on.</summary>
    public required double LearningRate { get; init; }
}
