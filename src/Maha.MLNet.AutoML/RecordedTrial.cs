using Microsoft.ML.SearchSpace;

namespace Maha.MLNet.AutoML;

/// <summary>One trial of an experiment.</summary>
public sealed record RecordedTrial
{
    /// <summary>The trial's number, from 0.</summary>
    public required int TrialId { get; init; }

    /// <summary>The trainers of the pipeline that the trial used.</summary>
    public required string Trainers { get; init; }

    /// <summary>The searched options of the estimators that the trial used, as name=value.</summary>
    public required string Options { get; init; }

    /// <summary>The parameters that the tuner proposed.</summary>
    public required Parameter Parameter { get; init; }

    /// <summary>The metric on the validation rows; NaN if the trial failed.</summary>
    public double Metric { get; init; } = double.NaN;

    /// <summary>
    /// The loss that the tuner minimizes: the metric, or its negative if a larger metric is better; <see cref="double.MaxValue"/> if the trial failed.
    /// </summary>
    public double Loss { get; init; } = double.MaxValue;

    /// <summary>The time that fitting and evaluation took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The exception of a failed trial; null if it succeeded.</summary>
    public Exception? Failure { get; init; }
}
