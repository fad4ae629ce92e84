namespace Maha.Layers.Training;

/// <summary>Why a training ended.</summary>
public enum TrainingOutcome
{
    /// <summary>All epochs were run.</summary>
    Completed,

    /// <summary>The metric had not improved for as many epochs as <see cref="TrainingOptions.EarlyStoppingPatience"/> allows.</summary>
    StoppedEarly,

    /// <summary>It was canceled, and <see cref="TrainingOptions.CancellationBehavior"/> was to keep the best.</summary>
    Canceled,
}
