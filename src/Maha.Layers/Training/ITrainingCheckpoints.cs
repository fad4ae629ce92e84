namespace Maha.Layers.Training;

/// <summary>Keeps the state of a training outside of the process, so that a training that was ended goes on.</summary>
internal interface ITrainingCheckpoints
{
    /// <summary>Whether it is time for a checkpoint. It is asked once per step: after the step, or, in a group, while the processes exchange its numbers.</summary>
    bool IsDue { get; }

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="write">Writes the state of the training to a stream.</param>
    void Save(Action<Stream> write);

    /// <summary>Opens the state that the training goes on from. The caller disposes the stream, which can seek.</summary>
    /// <returns>The stream; null where the training begins.</returns>
    Stream? Open();

    /// <summary>Called when the training goes on from the state that <see cref="Open"/> returned.</summary>
    /// <param name="state">The state.</param>
    void OnResumed(TrainingState state);
}
