using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Maha.Layers.Core;
using Microsoft.ML;
using Microsoft.ML.AutoML;
using Microsoft.ML.Data;
using Microsoft.ML.SearchSpace;

namespace Maha.MLNet.AutoML;

/// <summary>The trials of an experiment, with those that failed, and their leader board.</summary>
/// <remarks>
/// Use it with <see cref="MahaAutoCatalog.SetRecordedPipeline"/>, one record per experiment. A model is disposed as soon as a better one is known, so that an
/// experiment holds the native memory of two models. The record may be read while the experiment runs.
/// </remarks>
public sealed class ExperimentRecord : IMonitor
{
    /// <summary>The key of the pipeline's parameters in those of a trial.</summary>
    internal const string PipelineKey = "_pipeline_";

    // The key, in the pipeline's parameters, of the estimators that the trial uses.
    private const string PathKey = "_SCHEMA_";
    private const string Trainer = "Trainer";

    private readonly Lock _lock = new();
    private readonly List<RecordedTrial> _trials = [];
    private readonly IMonitor? _next;
    private readonly int _maxFirstFailures;
    private IReadOnlyDictionary<string, string> _names = new Dictionary<string, string>();
    private readonly Stopwatch _watch = new();
    private TrialResult? _best;
    private TrialResult? _latest;

    /// <summary>Creates an empty record.</summary>
    /// <param name="monitor">A monitor that is called after each event was recorded, for failed trials with their exceptions; null for none.</param>
    /// <param name="maxFirstFailures">
    /// The number of trials that may fail before the first success, at least 1. One more ends the experiment with the exception, which most likely concerns all
    /// trials, such as a missing column.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxFirstFailures"/> is below 1.</exception>
    public ExperimentRecord(IMonitor? monitor = null, int maxFirstFailures = 10)
    {
        TensorChecks.InRange(maxFirstFailures, 1, int.MaxValue, nameof(maxFirstFailures), "Use about 10.");
        _next = monitor;
        _maxFirstFailures = maxFirstFailures;
    }

    /// <summary>All completed trials, in order.</summary>
    public IReadOnlyList<RecordedTrial> Trials
    {
        get
        {
            lock (_lock)
                return [.. _trials];
        }
    }

    /// <summary>The successful trials, the best first, then the failed ones, then those whose metric is not a number.</summary>
    public IReadOnlyList<RecordedTrial> LeaderBoard =>
        [.. Trials.OrderBy(trial => double.IsNaN(trial.Loss)).ThenBy(trial => trial.Loss).ThenBy(trial => trial.TrialId)];

    /// <summary>Writes the leader board as a table.</summary>
    /// <param name="output">The writer.</param>
    /// <param name="metricName">The heading of the metric's column.</param>
    public void WriteLeaderBoard(TextWriter output, string metricName = "metric")
    {
        ArgumentNullException.ThrowIfNull(output);
        WriteLine($"{"rank",4}  {"trial",5}  {metricName,12}  {"seconds",8}  trainers: options");
        int rank = 0;
        foreach (var trial in LeaderBoard)
        {
            string metric = trial.Failure is null ? trial.Metric.ToString("F4", CultureInfo.InvariantCulture) : "failed";
            string options = trial.Failure is null ? trial.Options : $"{trial.Options} ({trial.Failure.Message})";
            WriteLine($"{++rank,4}  {trial.TrialId,5}  {metric,12}  {trial.Duration.TotalSeconds,8:F1}  {trial.Trainers}: {options}");
        }

        void WriteLine(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
    }

    void IMonitor.ReportRunningTrial(TrialSettings settings)
    {
        _watch.Start();
        DisposeLatest();
        _next?.ReportRunningTrial(settings);
    }

    void IMonitor.ReportCompletedTrial(TrialResult result)
    {
        DisposeLatest();
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

    /// <summary>The time since the experiment began its first trial.</summary>
    internal TimeSpan Elapsed => _watch.Elapsed;

    /// <summary>Sets the names of a pipeline's trainers. Only the first call has an effect.</summary>
    internal void SetTrainerNames(MLContext context, SweepablePipeline pipeline)
    {
        if (_names.Count == 0)
            _names = pipeline.Estimators.ToDictionary(entry => entry.Key, entry => NameOf(context, entry.Key, entry.Value));
    }

    /// <summary>Returns whether a failed trial is recorded and the experiment continues.</summary>
    internal bool CanContinueAfter(Exception reason)
    {
        // Without memory later trials are unlikely to succeed, and without libtorch none can.
        if (reason is OutOfMemoryException or TorchUnavailableException)
            return false;
        lock (_lock)
            return _trials.Count < _maxFirstFailures || _trials.Any(trial => trial.Failure is null);
    }

    // The latest model was not the best one, since ReportBestTrial resets it.
    private void DisposeLatest()
    {
        (_latest?.Model as IDisposable)?.Dispose();
        _latest = null;
    }

    private void Add(TrialSettings settings, TrialResult? result, Exception? failure)
    {
        var chosen = settings.Parameter[PipelineKey];
        string[] path = [.. Regex.Matches(chosen[PathKey].AsType<string>(), @"e\d+").Select(match => match.Value).Where(_names.ContainsKey)];
        var trial = new RecordedTrial
        {
            TrialId = settings.TrialId,
            Trainers = string.Join(", ", path.Select(key => _names[key]).Where(name => name.Length > 0)),
            Options = string.Join(", ", path.Where(chosen.ContainsKey).SelectMany(key => Values(chosen[key]))),
            Parameter = settings.Parameter,
            Duration = TimeSpan.FromMilliseconds(result?.DurationInMilliseconds ?? 0),
            Metric = result?.Metric ?? double.NaN,
            Loss = result?.Loss ?? double.MaxValue,
            Failure = failure,
        };
        lock (_lock)
            _trials.Add(trial);
    }

    private static IEnumerable<string> Values(Parameter parameter)
    {
        if (parameter.ParameterType != ParameterType.Object)
            return [];
        return parameter.Keys.Order(StringComparer.Ordinal).Select(key => parameter[key].ParameterType == ParameterType.Number
            ? string.Create(CultureInfo.InvariantCulture, $"{key}={parameter[key].AsType<double>():G3}")
            : $"{key}={parameter[key].ToString().Trim('"')}");
    }

    // "MahaTextClassification" for a trainer, nothing for an estimator that only prepares columns.
    private static string NameOf(MLContext context, string key, SweepableEstimator estimator)
    {
        try
        {
            string name = Last(estimator.BuildFromOption(context, estimator.Parameter)).GetType().Name;
            return name.EndsWith(Trainer, StringComparison.Ordinal) ? name[..^Trainer.Length] : "";
        }
        catch (ArgumentException)
        {
            // The defaults of its search space are not valid. The trial will fail with the reason.
            return key;
        }
    }

    // A trainer may be the last part of a chain that prepares its columns.
    private static object Last(object estimator)
    {
        var field = estimator.GetType().GetField(nameof(EstimatorChain<ITransformer>.LastEstimator));
        return field?.GetValue(estimator) is { } last ? Last(last) : estimator;
    }
}
