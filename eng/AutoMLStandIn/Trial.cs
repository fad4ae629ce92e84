using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.AutoML;

public class TrialSettings
{
    public int TrialId { get; set; }

    public Parameter Parameter { get; set; }

    public DateTime StartedAtUtc { get; set; }

    public DateTime? EndedAtUtc { get; set; }
}

public class TrialResult : IEqualityComparer<TrialResult>
{
    public TrialSettings TrialSettings { get; set; }

    public ITransformer Model { get; set; }

    public double Loss { get; set; }

    public double Metric { get; set; }

    public double DurationInMilliseconds { get; set; }

    public bool Equals(TrialResult x, TrialResult y) => GetHashCode(x) == GetHashCode(y);

    public int GetHashCode(TrialResult obj) => obj?.TrialSettings?.TrialId ?? 0;
}

public interface IMonitor
{
    void ReportRunningTrial(TrialSettings settings);

    void ReportCompletedTrial(TrialResult result);

    void ReportBestTrial(TrialResult result);

    void ReportFailTrial(TrialSettings settings, Exception exception = null);
}

public interface ITuner
{
    Parameter Propose(TrialSettings settings);

    void Update(TrialResult result);
}

public interface ITrialRunner : IDisposable
{
    Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct);
}

public abstract class ExperimentSettings
{
    public int MaxModels;

    public ExperimentSettings()
    {
        MaxExperimentTimeInSeconds = 24 * 60 * 60;
        MaxModels = int.MaxValue;
    }

    public uint MaxExperimentTimeInSeconds { get; set; }

    public CancellationToken CancellationToken { get; set; }
}
