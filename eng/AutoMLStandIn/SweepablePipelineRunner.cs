using System.Diagnostics;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.AutoML;

/// <summary>Fits the pipeline that a trial's parameters describe and evaluates it on the held-out rows.</summary>
internal sealed class SweepablePipelineRunner : ITrialRunner
{
    private readonly MLContext _context;
    private readonly SweepablePipeline _pipeline;
    private readonly IEvaluateMetricManager _metric;
    private readonly IDatasetManager _dataset;

    public SweepablePipelineRunner(MLContext context, SweepablePipeline pipeline, IEvaluateMetricManager metric, IDatasetManager dataset)
    {
        _context = context;
        _pipeline = pipeline;
        _metric = metric ?? throw Contracts.Except("The experiment has no metric. Call SetMulticlassClassificationMetric or SetBinaryClassificationMetric.");
        _dataset = dataset ?? throw Contracts.Except("The experiment has no data. Call SetDataset.");
    }

    public Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct)
    {
        using var registration = ct.Register(_context.CancelExecution);
        try
        {
            return Task.FromResult(Run(settings));
        }
        catch (Exception ex) when (ct.IsCancellationRequested)
        {
            throw new OperationCanceledException(ex.Message, ex, ct);
        }
    }

    public void Dispose() => _context.CancelExecution();

    private TrialResult Run(TrialSettings settings)
    {
        var watch = Stopwatch.StartNew();
        var parameter = settings.Parameter[AutoMLExperiment.PipelineSearchspaceName];
        var models = new List<(ITransformer Model, double Metric)>();
        foreach (var (train, test) in Splits(settings))
        {
            var model = _pipeline.BuildFromOption(_context, parameter).Fit(train);
            models.Add((model, _metric.Evaluate(_context, model.Transform(test))));
        }

        double metric = models.Average(m => m.Metric);
        foreach (var (model, _) in models.Skip(1))
            (model as IDisposable)?.Dispose();
        return new TrialResult
        {
            Metric = metric,
            Loss = _metric.IsMaximize ? -metric : metric,
            Model = models[0].Model,
            DurationInMilliseconds = watch.Elapsed.TotalMilliseconds,
            TrialSettings = settings,
        };
    }

    private IEnumerable<(IDataView Train, IDataView Test)> Splits(TrialSettings settings)
    {
        switch (_dataset)
        {
            case ICrossValidateDatasetManager folds:
                return _context.Data.CrossValidationSplit(folds.Dataset, folds.Fold, folds.SamplingKeyColumnName).Select(s => (s.TrainSet, s.TestSet));
            case ITrainValidateDatasetManager split:
                return [(split.LoadTrainDataset(_context, settings), split.LoadValidateDataset(_context, settings))];
            default:
                throw new ArgumentException("IDatasetManager must be either ITrainValidateDatasetManager or ICrossValidateDatasetManager");
        }
    }
}

/// <summary>Reports trials to the log.</summary>
internal sealed class LoggingMonitor : IMonitor
{
    private readonly IChannelProvider _context;

    public LoggingMonitor(MLContext context)
    {
        _context = context;
    }

    public void ReportRunningTrial(TrialSettings settings) => Info($"Trial {settings.TrialId} runs with {settings.Parameter}");

    public void ReportCompletedTrial(TrialResult result)
        => Info($"Trial {result.TrialSettings.TrialId} took {result.DurationInMilliseconds / 1000:F1} s, metric {result.Metric:G6}, loss {result.Loss:G6}");

    public void ReportBestTrial(TrialResult result) => Info($"Trial {result.TrialSettings.TrialId} is the best so far.");

    public void ReportFailTrial(TrialSettings settings, Exception exception = null) => Info($"Trial {settings.TrialId} failed: {exception?.Message}");

    private void Info(string message)
    {
        using var channel = _context.Start(nameof(AutoMLExperiment));
        channel.Info(MessageSensitivity.None, "{0}", message);
    }
}
