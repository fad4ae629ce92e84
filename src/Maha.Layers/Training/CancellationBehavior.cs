namespace Maha.Layers.Training;

/// <summary>What a canceled training does.</summary>
public enum CancellationBehavior
{
    /// <summary>It throws <see cref="OperationCanceledException"/>. The weights are those of the last whole step.</summary>
    Throw,

    /// <summary>
    /// It returns a result that says so. The weights are the best so far, or those of the last whole step where no
    /// validation has taken place.
    /// </summary>
    KeepBest,
}
