using Microsoft.ML.AutoML;

namespace Maha.MLNet.AutoML;

/// <summary>What an experiment is told of a trial that failed: the worst loss there is, so that it is never the best, and why.</summary>
internal sealed class FailedTrialResult : TrialResult
{
    public required Exception Failure { get; init; }
}
