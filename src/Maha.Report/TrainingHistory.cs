using Maha.Layers.Training;

namespace Maha.Report;

/// <summary>
/// Records the progress of a training, so that a report can draw its curves. Pass it to a trainer as <c>Progress</c>, then to
/// <see cref="ReportOptions.History"/>.
/// </summary>
/// <param name="inner">Receives every report too, for instance a progress bar; null for nothing.</param>
public sealed class TrainingHistory(IProgress<TrainingProgress>? inner = null) : IProgress<TrainingProgress>
{
    private readonly Lock _lock = new();
    private readonly List<StepRecord> _steps = [];
    private readonly List<EpochRecord> _epochs = [];

    /// <summary>Records one report, and passes it on.</summary>
    /// <param name="value">The report.</param>
    public void Report(TrainingProgress value)
    {
        ArgumentNullException.ThrowIfNull(value);
        lock (_lock)
        {
            // A training that starts again, or another training with the same history.
            if (_steps.Count > 0 && value.Step < _steps[^1].Step)
            {
                _steps.RemoveAll(step => step.Step >= value.Step);
                _epochs.RemoveAll(epoch => epoch.Step >= value.Step);
            }
            if (value.Validation is { } validation)
                _epochs.Add(new(value.Epoch, value.Step, validation.Loss, validation.Accuracy, validation.MacroF1));
            else if (double.IsFinite(value.Loss) && (_steps.Count == 0 || value.Step > _steps[^1].Step))
                _steps.Add(new(value.Step, value.Loss, value.LearningRate));
        }
        inner?.Report(value);
    }

    /// <summary>The steps so far.</summary>
    internal IReadOnlyList<StepRecord> Steps
    {
        get
        {
            lock (_lock)
                return [.. _steps];
        }
    }

    /// <summary>The validated epochs so far.</summary>
    internal IReadOnlyList<EpochRecord> Epochs
    {
        get
        {
            lock (_lock)
                return [.. _epochs];
        }
    }
}

/// <summary>A step of a training.</summary>
internal readonly record struct StepRecord(long Step, double Loss, double LearningRate);

/// <summary>A validation.</summary>
internal readonly record struct EpochRecord(int Epoch, long Step, double Loss, double? Accuracy, double? MacroF1);
