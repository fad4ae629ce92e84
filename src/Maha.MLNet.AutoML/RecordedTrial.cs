using Microsoft.ML.SearchSpace;

namespace Maha.MLNet.AutoML;

/// <summary>One trial of an experiment.</summary>
public sealed record RecordedTrial
{
    /// <summary>The trial's number, from 0.</summary>
    public required int TrialId { get; init; }

    /// <summary>The trainers on the way through the pipeline that the trial took.</summary>
    public required string Trainers { get; init; }

    /// <summary>The options that were chosen on this way, as name=value; without those that it does not use.</summary>
    public required string Options { get; init; }

    /// <summary>What the tuner proposed.</summary>
    public required Parameter Parameter { get; init; }

    /// <summary>The metric on the held-out rows; NaN where the trial failed.</summary>
    public double Metric { get; init; } = double.NaN;

    /// <summary>What the tuner minimizes: the metric, or minus it where larger is better; <see cref="double.MaxValue"/> where the trial failed.</summary>
    public double Loss { get; init; } = double.MaxValue;

    /// <summary>The time of fitting and evaluating.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Why the trial failed; null where it did not.</summary>
    public Exception? Failure { get; init; }
}
