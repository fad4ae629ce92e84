using Microsoft.ML.AutoML;

namespace Maha.MLNet.AutoML;

/// <summary>The result of a failed trial, with the exception. Its loss is the highest possible, so that it is never the best trial.</summary>
internal sealed class FailedTrialResult : TrialResult
{
    public required Exception Failure { get; init; }
}
