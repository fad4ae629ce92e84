using System.Globalization;
using System.Text.RegularExpressions;
using Maha.Layers.Core;
using Microsoft.ML;
using Microsoft.ML.AutoML;
using Microsoft.ML.Data;
using Microsoft.ML.SearchSpace;

namespace Maha.MLNet.AutoML;

/// <summary>The trials of an experiment: its leader board, failures included.</summary>
/// <remarks>
/// Use it with <see cref="MahaAutoCatalog.SetRecordedPipeline"/>, one record for one experiment. Models that are not the best are disposed as soon as a better one is known, so that
/// the native memory of an experiment is that of two models. It may be read while the experiment runs.
/// </remarks>
public sealed class ExperimentRecord : IMonitor
{
    /// <summary>Under which ML.NET keeps the pipeline's parameters in those of a trial.</summary>
    internal const string PipelineKey = "_pipeline_";
    private const string WayKey = "_SCHEMA_";
    private const string Trainer = "Trainer";

    private readonly Lock _lock = new();
    private readonly List<RecordedTrial> _trials = [];
    private readonly IMonitor? _next;
    private readonly int _maxFirstFailures;
    private IReadOnlyDictionary<string, string> _names = new Dictionary<string, string>();
    private TrialResult? _best;
    private TrialResult? _latest;

    /// <summary>Makes an empty record.</summary>
    /// <param name="monitor">Told everything after it was recorded: failed trials as failures. Null for none.</param>
    /// <param name="maxFirstFailures">
    /// How many trials may fail while none has succeeded, from 1: one more ends the experiment with the failure, which is most likely one of all trials, such as a missing column.
    /// </param>
    public ExperimentRecord(IMonitor? monitor = null, int maxFirstFailures = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxFirstFailures, 1);
        _next = monitor;
        _maxFirstFailures = maxFirstFailures;
    }

    /// <summary>All trials that have ended, in their order.</summary>
    public IReadOnlyList<RecordedTrial> Trials
    {
        get
        {
            lock (_lock)
                return [.. _trials];
        }
    }

    /// <summary>The trials that succeeded, the best first, then those that failed, and those whose metric is not a number.</summary>
    public IReadOnlyList<RecordedTrial> LeaderBoard => [.. Trials.OrderBy(trial => double.IsNaN(trial.Loss)).ThenBy(trial => trial.Loss).ThenBy(trial => trial.TrialId)];

    /// <summary>Writes the leader board as a table.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="metricName">The head of the column of the metric.</param>
    public void WriteLeaderBoard(TextWriter output, string metricName = "metric")
    {
        ArgumentNullException.ThrowIfNull(output);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"rank",4}  {"trial",5}  {metricName,12}  {"seconds",8}  trainers: options"));
        int rank = 0;
        foreach (var trial in LeaderBoard)
        {
            string metric = trial.Failure is null ? trial.Metric.ToString("F4", CultureInfo.InvariantCulture) : "failed";
            string options = trial.Failure is null ? trial.Options : $"{trial.Options} ({trial.Failure.Message})";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{++rank,4}  {trial.TrialId,5}  {metric,12}  {trial.Duration.TotalSeconds,8:F1}  {trial.Trainers}: {options}"));
        }
    }

    void IMonitor.ReportRunningTrial(TrialSettings settings)
    {
        DropLatest();
        _next?.ReportRunningTrial(settings);
    }

    void IMonitor.ReportCompletedTrial(TrialResult result)
    {
        DropLatest();
        var failure = (result as FailedTrialResult)?.Failure;
        Add(result.TrialSettings, result, failure);
        if (failure is not null)
        {
            _next?.ReportFailTrial(result.TrialSettings, failure);
            return;
        }
        _latest = result;
        _next?.ReportCompletedTrial(result);
    }

    void IMonitor.ReportBestTrial(TrialResult result)
    {
        if (_best is not null && !ReferenceEquals(_best.Model, result.Model))
            (_best.Model as IDisposable)?.Dispose();
        (_best, _latest) = (result, null);
        _next?.ReportBestTrial(result);
    }

    void IMonitor.ReportFailTrial(TrialSettings settings, Exception? exception)
    {
        Add(settings, null, exception ?? new InvalidOperationException("The trial failed."));
        _next?.ReportFailTrial(settings, exception);
    }

    /// <summary>Learns the names of a pipeline's trainers, once.</summary>
    internal void TakeNames(MLContext context, SweepablePipeline pipeline)
    {
        if (_names.Count == 0)
            _names = pipeline.Estimators.ToDictionary(entry => entry.Key, entry => NameOf(context, entry.Key, entry.Value));
    }

    /// <summary>Whether a failure is recorded and the experiment goes on.</summary>
    internal bool MayFail(Exception reason)
    {
        // Without memory nothing can be promised of the trials to come either; without libtorch none of them can succeed.
        if (reason is OutOfMemoryException or TorchUnavailableException)
            return false;
        lock (_lock)
            return _trials.Count < _maxFirstFailures || _trials.Any(trial => trial.Failure is null);
    }

    // A model that turned out not to be the best.
    private void DropLatest()
    {
        (_latest?.Model as IDisposable)?.Dispose();
        _latest = null;
    }

    private void Add(TrialSettings settings, TrialResult? result, Exception? failure)
    {
        var chosen = settings.Parameter[PipelineKey];
        string[] way = [.. Regex.Matches(chosen[WayKey].AsType<string>(), @"e\d+").Select(match => match.Value).Where(_names.ContainsKey)];
        var trial = new RecordedTrial
        {
            TrialId = settings.TrialId,
            Trainers = string.Join(", ", way.Select(key => _names[key]).Where(name => name.Length > 0)),
            Options = string.Join(", ", way.Where(chosen.ContainsKey).SelectMany(key => Values(chosen[key]))),
            Parameter = settings.Parameter,
            Duration = TimeSpan.FromMilliseconds(result?.DurationInMilliseconds ?? 0),
            Metric = result?.Metric ?? double.NaN,
            Loss = result?.Loss ?? double.MaxValue,
            Failure = failure,
        };
        lock (_lock)
            _trials.Add(trial);
    }

    private static IEnumerable<string> Values(Parameter parameter) => parameter.ParameterType != ParameterType.Object ? [] : parameter.Keys.Order(StringComparer.Ordinal).Select(key =>
        parameter[key].ParameterType == ParameterType.Number
            ? string.Create(CultureInfo.InvariantCulture, $"{key}={parameter[key].AsType<double>():G3}")
            : $"{key}={parameter[key].ToString().Trim('"')}");

    // "MahaTextClassification" for a trainer, nothing for what only prepares columns.
    private static string NameOf(MLContext context, string key, SweepableEstimator estimator)
    {
        try
        {
            string name = Last(estimator.BuildFromOption(context, estimator.Parameter)).GetType().Name;
            return name.EndsWith(Trainer, StringComparison.Ordinal) ? name[..^Trainer.Length] : "";
        }
        catch (ArgumentException)
        {
            // The defaults of its search space are impossible: the trial will say so.
            return key;
        }
    }

    // What prepares columns for a trainer may be one estimator with it.
    private static object Last(object estimator) => estimator.GetType().GetField(nameof(EstimatorChain<ITransformer>.LastEstimator))?.GetValue(estimator) is { } last ? Last(last) : estimator;
}
