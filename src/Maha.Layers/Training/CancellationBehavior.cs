namespace Maha.Layers.Training;

/// <summary>Specifies what a canceled training does.</summary>
public enum CancellationBehavior
{
    /// <summary>It throws an <see cref="OperationCanceledException"/>. The weights are those of the last complete step.</summary>
    Throw,

    /// <summary>
    /// It returns a result with the outcome <see cref="TrainingOutcome.Canceled"/>. The weights are the best so far, or those of the last
    /// complete step where no validation has ended.
    /// </summary>
    KeepBest,
}
