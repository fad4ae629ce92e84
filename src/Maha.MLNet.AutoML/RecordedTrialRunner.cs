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
    private readonly MLContext _context;
    private readonly SweepablePipeline _pipeline;
    private readonly IEvaluateMetricManager _metric;
    private readonly IDatasetManager _dataset;
    private readonly ExperimentRecord _record;

    public RecordedTrialRunner(IServiceProvider services, SweepablePipeline pipeline, ExperimentRecord record)
    {
        _context = Service<MLContext>(services, "be created by AutoCatalog.CreateExperiment");
        _metric = Service<IEvaluateMetricManager>(services, "have a metric: call SetMulticlassClassificationMetric or SetBinaryClassificationMetric");
        _dataset = Service<IDatasetManager>(services, "have data: call SetDataset");
        _pipeline = pipeline;
        _record = record;
        record.SetTrainerNames(_context, pipeline);
    }

    // Not on the caller's thread: the caller who starts an experiment must receive its task, to await or cancel it.
    public Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct) => Task.Run(() => Run(settings, ct), CancellationToken.None);

    public void Dispose() => MLNetInternals.Cancel(_context);

    private TrialResult Run(TrialSettings settings, CancellationToken ct)
    {
        var watch = Stopwatch.StartNew();
        try
        {
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
