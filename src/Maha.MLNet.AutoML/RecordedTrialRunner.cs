using System.Diagnostics;
using Maha.MLNet.Bridge;
using Microsoft.ML;
using Microsoft.ML.AutoML;

namespace Maha.MLNet.AutoML;

/// <summary>
/// Fits and evaluates the pipeline of a trial. A failure is a result with the highest loss, since an exception would end an experiment that has no model yet.
/// </summary>
internal sealed class RecordedTrialRunner : ITrialRunner
{
    // The time of an experiment whose caller sets none, in seconds.
    private const uint NoLimit = 24 * 60 * 60;

    private readonly MLContext _context;
    private readonly SweepablePipeline _pipeline;
    private readonly IEvaluateMetricManager _metric;
    private readonly IDatasetManager _dataset;
    private readonly ExperimentRecord _record;
    private readonly AutoMLExperiment.AutoMLExperimentSettings? _settings;

    public RecordedTrialRunner(IServiceProvider services, SweepablePipeline pipeline, ExperimentRecord record)
    {
        _context = Service<MLContext>(services, "be created by AutoCatalog.CreateExperiment");
        _metric = Service<IEvaluateMetricManager>(services, "have a metric: call SetMulticlassClassificationMetric or SetBinaryClassificationMetric");
        _dataset = Service<IDatasetManager>(services, "have data: call SetDataset");
        _settings = (AutoMLExperiment.AutoMLExperimentSettings?)services.GetService(typeof(AutoMLExperiment.AutoMLExperimentSettings));
        _pipeline = pipeline;
        _record = record;
        record.SetTrainerNames(_context, pipeline);
    }

    // Not on the caller's thread: the caller who starts an experiment must receive its task, to await or cancel it.
    public Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct) => Task.Run(() => Run(settings, ct), CancellationToken.None);

    public void Dispose() => MLNetInternals.Cancel(_context);

    private TrialResult Run(TrialSettings settings, CancellationToken end)
    {
        var watch = Stopwatch.StartNew();
        // AutoML lets the first trial end, even when its caller cancels the experiment. A caller who cancels does not want to wait for it.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(end, _settings?.CancellationToken ?? CancellationToken.None);
        var ct = either.Token;
        try
        {
            LimitTime();
            using var cancellation = ct.Register(() => MLNetInternals.Cancel(_context));
            return Run(settings, watch);
        }
        catch (Exception reason) when (ct.IsCancellationRequested)
        {
            throw new OperationCanceledException("The trial was canceled.", reason, ct);
        }
        catch (Exception reason) when (_record.CanContinueAfter(reason))
        {
            return new FailedTrialResult
            {
                TrialSettings = settings,
                Failure = reason,
                Metric = double.NaN,
                Loss = double.MaxValue,
                DurationInMilliseconds = watch.Elapsed.TotalMilliseconds,
            };
        }
    }

    private TrialResult Run(TrialSettings settings, Stopwatch watch)
    {
        var parameter = settings.Parameter[ExperimentRecord.PipelineKey];
        var metrics = new List<double>();
        ITransformer? first = null;
        try
        {
            foreach (var (train, test) in Splits(settings))
            {
                var model = _pipeline.BuildFromOption(_context, parameter).Fit(train);
                try
                {
                    metrics.Add(_metric.Evaluate(_context, model.Transform(test)));
                }
                finally
                {
                    // The model of the first fold is the model of the trial, as in ML.NET's own runner.
                    if (first is null)
                        first = model;
                    else
                        (model as IDisposable)?.Dispose();
                }
            }
        }
        catch
        {
            (first as IDisposable)?.Dispose();
            throw;
        }
        double metric = metrics.Average();
        return new TrialResult
        {
            TrialSettings = settings,
            Model = first,
            Metric = metric,
            Loss = _metric.IsMaximize ? -metric : metric,
            DurationInMilliseconds = watch.Elapsed.TotalMilliseconds,
        };
    }

    private void LimitTime()
    {
        // An experiment without a limit has AutoML's default of a day. Its trials keep the limits of their own options.
        if (_settings is not { MaxExperimentTimeInSeconds: > 0 and < NoLimit } limited)
            return;
        var left = TimeSpan.FromSeconds(limited.MaxExperimentTimeInSeconds) - _record.Elapsed;
        TrialTime.Set(_context, TrialTime.Choose(left, _dataset is ICrossValidateDatasetManager folds ? folds.Fold : 1));
    }

    private IEnumerable<(IDataView Train, IDataView Test)> Splits(TrialSettings settings) => _dataset switch
    {
        ICrossValidateDatasetManager folds => _context.Data.CrossValidationSplit(folds.Dataset, folds.Fold, folds.SamplingKeyColumnName)
            .Select(fold => (fold.TrainSet, fold.TestSet)),
        ITrainValidateDatasetManager pair => [(pair.LoadTrainDataset(_context, settings), pair.LoadValidateDataset(_context, settings))],
        _ => throw new InvalidOperationException(
            $"The data of the experiment must be a training and a validation set or folds, but are managed by {_dataset.GetType().Name}. Call SetDataset."),
    };

    private static T Service<T>(IServiceProvider services, string rule) where T : class =>
        (T?)services.GetService(typeof(T)) ?? throw new InvalidOperationException($"The experiment must {rule}.");
}
