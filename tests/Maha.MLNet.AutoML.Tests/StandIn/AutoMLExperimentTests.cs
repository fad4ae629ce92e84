using Maha.MLNet.Tests;
using Microsoft.ML;
using Microsoft.ML.AutoML;
using Microsoft.ML.Data;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace Maha.MLNet.AutoML.Tests.StandIn;

public class AutoMLExperimentTests
{
    private sealed class Example
    {
        [VectorType(4)]
        public float[] Features { get; set; } = [];

        public string Class { get; set; } = "";
    }

    private sealed class TrainerOptions
    {
        [Microsoft.ML.SearchSpace.Range(0.01f, 100f, 100f, logBase: true)]
        public float L2 { get; set; } = 100;
    }

    private sealed class Recorder : IMonitor
    {
        public List<int> Running { get; } = [];

        public List<TrialResult> Completed { get; } = [];

        public List<TrialResult> Best { get; } = [];

        public List<(TrialSettings Settings, Exception? Exception)> Failed { get; } = [];

        public void ReportRunningTrial(TrialSettings settings) => Running.Add(settings.TrialId);

        public void ReportCompletedTrial(TrialResult result) => Completed.Add(result);

        public void ReportBestTrial(TrialResult result) => Best.Add(result);

        public void ReportFailTrial(TrialSettings settings, Exception? exception = null) => Failed.Add((settings, exception));
    }

    // The loss is the distance of x from 0.8 and y from 0.3; x above 0.95 fails.
    private sealed class Bowl : ITrialRunner
    {
        public Action<TrialSettings> Before { get; init; } = _ => { };

        public Task<TrialResult> RunAsync(TrialSettings settings, CancellationToken ct)
        {
            Before(settings);
            ct.ThrowIfCancellationRequested();
            double x = settings.Parameter["x"].AsType<double>(), y = settings.Parameter["y"].AsType<double>();
            if (x > 0.95)
                throw new InvalidOperationException("x is too large");
            double loss = (x - 0.8) * (x - 0.8) + (y - 0.3) * (y - 0.3);
            return Task.FromResult(new TrialResult { TrialSettings = settings, Loss = loss, Metric = -loss, DurationInMilliseconds = 1 });
        }

        public void Dispose()
        {
        }
    }

    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void EightTrials_FindTheBestModel_WhichKeepsItsMetricWhenSaved()
    {
        var data = Data();
        var split = _context.Data.TrainTestSplit(data, 0.3, seed: 1);
        var sdca = _context.Auto().CreateSweepableEstimator((context, options) => context.MulticlassClassification.Trainers.SdcaMaximumEntropy(
            "Key", l2Regularization: options.L2, maximumNumberOfIterations: 5), new SearchSpace<TrainerOptions>());
        var lbfgs = _context.Auto().CreateSweepableEstimator((context, options) => context.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
            "Key", l2Regularization: options.L2), new SearchSpace<TrainerOptions>());
        var pipeline = _context.Transforms.Conversion.MapValueToKey("Key", "Class").Append(sdca, lbfgs);
        var recorder = new Recorder();
        var experiment = _context.Auto().CreateExperiment()
            .SetPipeline(pipeline)
            .SetDataset(split)
            .SetMulticlassClassificationMetric(MulticlassClassificationMetric.MicroAccuracy, "Key")
            .SetMaxModelToExplore(8)
            .SetMonitor(recorder);
        var best = experiment.Run();

        Assert.Equal(Enumerable.Range(0, 8), recorder.Running);
        Assert.Equal(8, recorder.Completed.Count);
        Assert.Empty(recorder.Failed);
        Assert.Equal(recorder.Completed.Max(r => r.Metric), best.Metric);
        Assert.Same(recorder.Best[^1], best);
        Assert.Equal(2, recorder.Completed.Select(r => r.TrialSettings.Parameter["_pipeline_"]["_SCHEMA_"].AsType<string>()).Distinct().Count());
        Assert.All(recorder.Completed, r => Assert.True(r.TrialSettings.EndedAtUtc >= r.TrialSettings.StartedAtUtc));

        using var stream = new MemoryStream();
        _context.Model.Save(best.Model, data.Schema, stream);
        stream.Position = 0;
        var loaded = new MLContext().Model.Load(stream, out _);
        Assert.Equal(best.Metric, _context.MulticlassClassification.Evaluate(loaded.Transform(split.TestSet), "Key").MicroAccuracy);
    }

    [Fact]
    public void CrossValidation_AveragesTheFolds()
    {
        var pipeline = _context.Transforms.Conversion.MapValueToKey("Key", "Class").Append(
            _context.Auto().CreateSweepableEstimator((context, options) => context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key",
                l2Regularization: options.L2), new SearchSpace<TrainerOptions>()));
        var best = _context.Auto().CreateExperiment()
            .SetPipeline(pipeline)
            .SetDataset(Data(), fold: 3)
            .SetMulticlassClassificationMetric(MulticlassClassificationMetric.LogLoss, "Key")
            .SetMaxModelToExplore(2)
            .Run();
        Assert.Equal(best.Metric, best.Loss);
        Assert.InRange(best.Metric, 0.01, 2);
    }

    [Fact]
    public void Alternatives_AreTheWaysThroughThePipeline()
    {
        var parts = Enumerable.Range(0, 5)
            .Select(_ => new SweepableEstimator((context, _) => context.Transforms.CopyColumns("a", "b"), new SearchSpace())).ToArray();
        var inner = parts[2].Append(parts[3]);
        var pipeline = parts[0].Append(parts[1], parts[4]).Append(inner, parts[4]);
        var choices = ((ChoiceOption)pipeline.SearchSpace["_SCHEMA_"]).Choices.Select(c => c.AsType<string>());
        Assert.Equal(["e0 * e1 * e3 * e4", "e0 * e1 * e5", "e0 * e2 * e3 * e4", "e0 * e2 * e5"], choices);
        Assert.Equal(["e0", "e2", "e5"], pipeline.BuildSweepableEstimatorPipeline("e0 * e2 * e5").Estimators.Keys);
    }

    [Fact]
    public void FailingTrial_IsReported_AndTheExperimentContinues()
    {
        var recorder = new Recorder();
        var best = Experiment(new Bowl(), recorder).SetRandomSearchTuner(seed: 5).SetMaxModelToExplore(60).Run();
        Assert.NotEmpty(recorder.Failed);
        Assert.All(recorder.Failed, f => Assert.Equal("x is too large", f.Exception?.Message));
        Assert.Equal(60, recorder.Completed.Count + recorder.Failed.Count);
        Assert.Equal(recorder.Completed.Min(r => r.Loss), best.Loss);
    }

    [Fact]
    public void FailureBeforeAnySuccess_EndsTheExperiment()
    {
        var bowl = new Bowl { Before = _ => throw new InvalidOperationException("no such column") };
        var error = Assert.Throws<AggregateException>(() => Experiment(bowl, new Recorder()).SetRandomSearchTuner(seed: 1).Run());
        Assert.Equal("no such column", error.InnerException?.Message);
    }

    [Fact]
    public async Task Cancellation_ReturnsTheBestSoFar()
    {
        using var source = new CancellationTokenSource();
        var recorder = new Recorder();
        var bowl = new Bowl
        {
            Before = settings =>
            {
                if (settings.TrialId == 3)
                    source.Cancel();
            },
        };
        var best = await Experiment(bowl, recorder).SetCostFrugalTuner().RunAsync(source.Token);
        Assert.Equal([0, 1, 2, 3], recorder.Running);
        Assert.Equal(3, recorder.Completed.Count);
        Assert.Equal(recorder.Completed.Min(r => r.Loss), best.Loss);
    }

    [Fact]
    public async Task Cancellation_ReachesIntoTheTrainingOfATrial()
    {
        using var source = new CancellationTokenSource();
        int trials = 0;
        // A Maha trainer: ML.NET's SDCA keeps a random generator per iteration, so that with very many iterations it runs out of memory and every trial fails.
        var endless = new SweepableEstimator((context, _) => Toys.Trainer(context, options => options.LabelColumnName = "Key",
            epochs: Interlocked.Increment(ref trials) == 1 ? 1 : int.MaxValue), new SearchSpace());
        var recorder = new Recorder();
        var pipeline = _context.Transforms.Conversion.MapValueToKey("Key", "Label").Append(endless);
        var experiment = _context.Auto().CreateExperiment()
            .SetPipeline(pipeline)
            .SetDataset(_context.Data.TrainTestSplit(_context.Data.LoadFromEnumerable(Toys.Documents(60)), 0.3, seed: 1))
            .SetMulticlassClassificationMetric(MulticlassClassificationMetric.MicroAccuracy, "Key")
            .SetMonitor(recorder);
        var running = Task.Run(() => experiment.RunAsync(source.Token));
        while (recorder.Completed.Count == 0 || recorder.Running.Count < 2)
            await Task.Delay(5);
        await source.CancelAsync();
        var best = await running;
        // The second trial was canceled: it neither completed nor failed.
        Assert.Same(Assert.Single(recorder.Completed), best);
        Assert.Equal([0, 1], recorder.Running);
        Assert.Empty(recorder.Failed);
    }

    [Fact]
    public async Task CancellationBeforeTheFirstResult_IsATimeout()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => Experiment(new Bowl(),
            new Recorder()).SetRandomSearchTuner().RunAsync(new CancellationToken(canceled: true)));
    }

    [Fact]
    public void CostFrugalTuner_DescendsFurtherThanRandomSearch()
    {
        double frugal = Experiment(new Bowl(), new Recorder()).SetCostFrugalTuner().SetMaxModelToExplore(80).Run().Loss;
        double random = Experiment(new Bowl(), new Recorder()).SetRandomSearchTuner(seed: 3).SetMaxModelToExplore(80).Run().Loss;
        Assert.True(frugal < random, $"{frugal} {random}");
        Assert.True(frugal < 1e-3, $"{frugal}");
    }

    [Fact]
    public void SameSeed_SearchesTheSamePoints()
    {
        List<double> Losses()
        {
            var recorder = new Recorder();
            Experiment(new Bowl(), recorder).SetCostFrugalTuner().SetMaxModelToExplore(20).Run();
            return recorder.Completed.Select(r => r.Loss).ToList();
        }

        Assert.Equal(Losses(), Losses());
    }

    [Fact]
    public void MissingParts_AreNamed()
    {
        var pipeline = _context.Transforms.CopyColumns("Copy", "Features")
            .Append(new SweepableEstimator((context, _) => context.Transforms.CopyColumns("a", "b"), new SearchSpace()));
        var error = Assert.Throws<AggregateException>(() => _context.Auto().CreateExperiment().SetPipeline(pipeline).SetDataset(Data(), 3).Run());
        Assert.Contains("SetMulticlassClassificationMetric", error.InnerException?.Message);
        Assert.Throws<AggregateException>(() => _context.Auto().CreateExperiment().Run());
    }

    private AutoMLExperiment Experiment(ITrialRunner runner, IMonitor monitor)
    {
        var space = new SearchSpace { { "x", new UniformDoubleOption(0, 1, defaultValue: 0.1) }, { "y", new UniformDoubleOption(0, 1, defaultValue: 0.9) } };
        return _context.Auto().CreateExperiment(new AutoMLExperiment.AutoMLExperimentSettings { SearchSpace = space, Seed = 7 })
            .SetTrialRunner(runner)
            .SetMonitor(monitor);
    }

    private IDataView Data()
    {
        // Three classes around three points, which overlap enough for some errors.
        var random = new Random(2);
        return _context.Data.LoadFromEnumerable(Enumerable.Range(0, 150).Select(i => new Example
        {
            Features = [.. Enumerable.Range(0, 4).Select(column => (float)(random.NextDouble() * 2 - 1 + (column == i % 3 ? 1 : 0)))],
            Class = $"c{i % 3}",
        }).ToList());
    }
}
