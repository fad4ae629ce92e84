namespace Maha.Layers.Training;

/// <summary>Specifies why a training ended.</summary>
public enum TrainingOutcome
{
    /// <summary>All epochs were done.</summary>
    Completed,

    /// <summary>The metric did not improve for <see cref="TrainingOptions.EarlyStoppingPatience"/> epochs.</summary>
    StoppedEarly,

    /// <summary>The training was canceled, and <see cref="TrainingOptions.CancellationBehavior"/> is <see cref="CancellationBehavior.KeepBest"/>.</summary>
    Canceled,
}
