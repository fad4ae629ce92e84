using System.Diagnostics;
using Maha.Layers.Core;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.AutoML;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace Maha.MLNet.AutoML.Tests;

public sealed class MahaAutoMLTests
{
    private readonly MLContext _mlContext = new(seed: 1);
    private readonly ExperimentRecord _record;
    private readonly Told _told = new();

    public MahaAutoMLTests() => _record = new ExperimentRecord(_told, maxFirstFailures: 3);

    [Fact]
    public void EightTrials_FindTheBestModel_WhichKeepsItsMetricWhenSavedAndLoaded()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Documents(60));
        var split = _mlContext.Data.TrainTestSplit(data, 0.3, seed: 1);
        var words = _mlContext.Auto().CreateSweepableEstimator(
            (context, options) => context.Transforms.Text.FeaturizeText("Features", "Text").AppendCacheCheckpoint(context)
                .Append(context.MulticlassClassification.Trainers.SdcaMaximumEntropy(l2Regularization: options.L2, maximumNumberOfIterations: 5)),
                new SearchSpace<SdcaOptions>());
        var pipeline = Keys().Append(Sweepable(), words);
        var best = Experiment(pipeline, split).SetMaxModelToExplore(8).Run();

        Assert.Equal(Enumerable.Range(0, 8), _record.Trials.Select(trial => trial.TrialId));
        Assert.All(_record.Trials, trial => Assert.Null(trial.Failure));
        Assert.Equal(_record.Trials.Max(trial => trial.Metric), best.Metric);
        Assert.Equal(best.Metric, _record.LeaderBoard[0].Metric);
        Assert.Equal(["MahaTextClassification", "SdcaMaximumEntropyMulticlass"], _record.Trials.Select(trial => trial.Trainers).Distinct().Order());
        Assert.Contains(_record.Trials,
            trial => trial.Options.Contains("DModel=", StringComparison.Ordinal) && trial.Options.Contains("LearningRate=", StringComparison.Ordinal));
        Assert.Equal(8, _told.Completed);

        string file = Path.GetTempFileName();
        try
        {
            _mlContext.Model.Save(best.Model, data.Schema, file);
            var fresh = new MLContext();
            var loaded = fresh.Model.Load(file, out _);
            Assert.Equal(best.Metric, fresh.MulticlassClassification.Evaluate(loaded.Transform(split.TestSet)).MicroAccuracy);
            (loaded as IDisposable)?.Dispose();
        }
        finally
        {
            File.Delete(file);
            (best.Model as IDisposable)?.Dispose();
        }
    }

    [Fact]
    public void CheckpointPath_IsRefused()
    {
        var e = Assert.Throws<ArgumentException>(
            () => _mlContext.Auto().MahaTextClassification(new MahaTextClassificationTrainer.Options { CheckpointPath = "folder" }));
        Assert.Contains("CheckpointPath must be null where an experiment searches the options", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Distributed_IsRefused()
    {
        var options = new MahaTextClassificationTrainer.Options { Distributed = DistributedTraining.Auto };
        var e = Assert.Throws<ArgumentException>(() => _mlContext.Auto().MahaTextClassification(options));
        Assert.Contains("Distributed must be Off where an experiment searches the options", e.Message, StringComparison.Ordinal);
    }

    // No later trial could succeed: the experiment ends with the cause instead of a list of failures.
    [Fact]
    public void FailureCommonToAllTrials_EndsTheExperiment()
    {
        Assert.False(_record.CanContinueAfter(new TorchUnavailableException("libtorch is missing")));
        Assert.False(_record.CanContinueAfter(new OutOfMemoryException()));
        Assert.True(_record.CanContinueAfter(new InvalidOperationException("a trial's own")));
    }

    [Fact]
    public void FailingFirstTrial_IsRecorded_AndDoesNotEndTheExperiment()
    {
        var impossible = Sweepable(space => (space["DModel"], space["NumHeads"]) = (new ChoiceOption(16), new ChoiceOption(5)));
        var best = Experiment(Keys().Append(impossible, Sweepable()), Split()).SetMaxModelToExplore(3).Run();
        var failed = _record.Trials[0];
        Assert.Contains("16 % 5 = 1", failed.Failure!.Message, StringComparison.Ordinal);
        Assert.True(double.IsNaN(failed.Metric));
        Assert.Contains("NumHeads=5", failed.Options, StringComparison.Ordinal);
        Assert.Null(_record.Trials[1].Failure);
        Assert.Equal(3, _record.Trials.Count);
        Assert.Equal(_record.Trials.Where(trial => trial.Failure is null).Max(trial => trial.Metric), best.Metric);
        Assert.Same(failed.Failure, _told.Failed[0]);

        var board = new StringWriter();
        _record.WriteLeaderBoard(board, "accuracy");
        Assert.Contains("failed", board.ToString().Split('\n')[^2], StringComparison.Ordinal);
        (best.Model as IDisposable)?.Dispose();
    }

    [Fact]
    public void FailureOfEveryTrial_EndsTheExperiment_WithItsReason()
    {
        var options = Small();
        options.TextColumnName = "Missing";
        var pipeline = Keys().Append(_mlContext.Auto().MahaTextClassification(options, Space()));
        var failure = Assert.Throws<AggregateException>(() => Experiment(pipeline, Split()).SetMaxModelToExplore(100).Run());
        Assert.Contains("Missing", failure.InnerException!.Message, StringComparison.Ordinal);
        Assert.Equal(4, _record.Trials.Count); // three that may fail, and the one that ends the experiment
    }

    [Fact]
    public async Task Cancel_ReturnsTheBestSoFar_WithoutAnotherStep()
    {
        using var source = new CancellationTokenSource();
        int stepsAfter = 0;
        var options = Small();
        options.Progress = new Reports(_ =>
        {
            if (source.IsCancellationRequested)
                stepsAfter++;
            else if (_record.Trials.Count == 1)
                source.Cancel();
        });
        var pipeline = Keys().Append(_mlContext.Auto().MahaTextClassification(options, Space()));
        var best = await Experiment(pipeline, Split()).SetMaxModelToExplore(1000).RunAsync(source.Token);
        Assert.Equal(0, stepsAfter);
        Assert.Equal(0, best.TrialSettings.TrialId);
        Assert.Single(_record.Trials);
        Assert.NotNull(best.Model);
        (best.Model as IDisposable)?.Dispose();
    }

    [Fact]
    public async Task Experiment_ReturnsItsTask_WhileATrialRuns()
    {
        using var gate = new ManualResetEventSlim();
        var options = Small();
        options.Progress = new Reports(_ => gate.Wait(TimeSpan.FromSeconds(20)));
        var run = Experiment(Keys().Append(_mlContext.Auto().MahaTextClassification(options, Space())), Split()).SetMaxModelToExplore(1).RunAsync();
        Assert.False(run.IsCompleted);
        gate.Set();
        ((await run).Model as IDisposable)?.Dispose();
    }

    // The trainings would run for an hour, and ten seconds are left to each: the experiment still ends with a model, soon after its time.
    [Fact]
    public void ExperimentThatIsShorterThanItsFirstTrial_EndsWithAModel()
    {
        var options = Small();
        options.EarlyStoppingPatience = null;
        var space = Space();
        space["NumberOfEpochs"] = new ChoiceOption(1_000_000);
        var watch = Stopwatch.StartNew();
        var best = Experiment(Keys().Append(_mlContext.Auto().MahaTextClassification(options, space)), Split()).SetTrainingTimeInSeconds(2).Run();
        Assert.InRange(watch.Elapsed.TotalSeconds, 2, 60);
        Assert.Null(Assert.Single(_record.Trials).Failure);
        Assert.NotEmpty(MLNet.Tests.Rows.Of(best.Model.Transform(Split().TestSet)));
        (best.Model as IDisposable)?.Dispose();
    }

    [Fact]
    public async Task CancelDuringTheFirstTrial_DoesNotWaitForIt()
    {
        using var source = new CancellationTokenSource();
        var options = Small();
        options.EarlyStoppingPatience = null;
        options.Progress = new Reports(_ => source.Cancel());
        var space = Space();
        space["NumberOfEpochs"] = new ChoiceOption(1_000_000);
        var experiment = Experiment(Keys().Append(_mlContext.Auto().MahaTextClassification(options, space)), Split());
        await Assert.ThrowsAsync<TimeoutException>(() => experiment.RunAsync(source.Token).WaitAsync(TimeSpan.FromMinutes(1), CancellationToken.None));
        Assert.Empty(_record.Trials);
    }

    [Fact]
    public void MetricThatIsNoNumber_IsLastOnTheLeaderBoard()
    {
        var best = Experiment(Keys().Append(Sweepable()), Split()).SetMaxModelToExplore(1).Run();
        ((IMonitor)_record).ReportCompletedTrial(new TrialResult { TrialSettings = best.TrialSettings, Metric = double.NaN, Loss = double.NaN });
        Assert.Equal([best.Metric, double.NaN], _record.LeaderBoard.Select(trial => trial.Metric));
        (best.Model as IDisposable)?.Dispose();
    }

    [Fact]
    public void ModelsThatAreNotTheBest_AreDisposed()
    {
        var best = Experiment(Keys().Append(Sweepable()), Split()).SetMaxModelToExplore(4).Run();
        var rows = Split().TestSet;
        Assert.NotEmpty(MLNet.Tests.Rows.Of(best.Model.Transform(rows)));
        var losers = _told.Models.Where(model => !ReferenceEquals(model, best.Model)).ToList();
        Assert.True(losers.Count >= 2);
        // The last cancellation may wait for the next trial.
        foreach (var loser in losers.SkipLast(1))
            Assert.ThrowsAny<ObjectDisposedException>(() => MLNet.Tests.Rows.Of(loser.Transform(rows)));
        (best.Model as IDisposable)?.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData(30)]
    [InlineData(3000)]
    public void EveryPointOfTheSpace_IsValid(int? seconds)
    {
        var space = MahaSearchOptions.Space(seconds is int s ? TimeSpan.FromSeconds(s) : null);
        var random = new Random(3);
        var points = Enumerable.Range(0, 300)
            .Select(_ => Enumerable.Range(0, space.FeatureSpaceDim).Select(_ => random.NextDouble()).ToArray()).Prepend(space.Default);
        foreach (double[] point in points)
            ClassifierFitting.Check(space.SampleFromFeatureSpace(point).ApplyTo(new MahaTextClassificationTrainer.Options()));
    }

    [Theory]
    [InlineData(null, 256, 4, 4096, 20)]
    [InlineData(121, 256, 4, 4096, 20)]
    [InlineData(120, 128, 2, 1024, 10)]
    [InlineData(1, 128, 2, 1024, 10)]
    public void SpaceOfShortTrials_EndsAtSmallerModels(int? seconds, int width, int layers, int length, int epochs)
    {
        var space = MahaSearchOptions.Space(seconds is int s ? TimeSpan.FromSeconds(s) : null);
        var random = new Random(3);
        var points = Enumerable.Range(0, 400)
            .Select(_ => space.SampleFromFeatureSpace([.. Enumerable.Range(0, space.FeatureSpaceDim).Select(_ => random.NextDouble())])).ToList();
        Assert.Equal((width, length), (points.Max(point => point.DModel), points.Max(point => point.MaxSequenceLength)));
        // The end of a range of numbers is drawn rarely or never.
        Assert.InRange(points.Max(point => point.NumLayers)!.Value, layers - 1, layers);
        Assert.InRange(points.Max(point => point.NumberOfEpochs)!.Value, epochs - 2, epochs);
    }

    [Fact]
    public void MemberRemovedFromTheSpace_KeepsTheValueOfTheOptions()
    {
        var space = MahaSearchOptions.Space();
        space.Remove("DModel");
        space["NumLayers"] = new ChoiceOption(3);
        var given = new MahaTextClassificationTrainer.Options { DModel = 24, NumLayers = 1, VocabSize = 999, Seed = 5 };
        var merged = space.SampleFromFeatureSpace(space.Default).ApplyTo(given);
        Assert.Equal((24, 3, 999, 5), (merged.DModel, merged.NumLayers, merged.VocabSize, merged.Seed!.Value));
        Assert.Equal(1, given.NumLayers);
        Assert.Equal(4, merged.NumberOfEpochs);
    }

    [Fact]
    public void EveryMemberOfTheSearch_ReachesTheOptions()
    {
        var space = MahaSearchOptions.Space();
        var random = new Random(4);
        for (int i = 0; i < 50; i++)
        {
            var searched = space.SampleFromFeatureSpace([.. Enumerable.Range(0, space.FeatureSpaceDim).Select(_ => random.NextDouble())]);
            var options = searched.ApplyTo(new MahaBinaryTextClassificationTrainer.Options());
            var inSpace = typeof(MahaSearchOptions).GetProperties().Where(property => space.ContainsKey(property.Name));
            foreach (var property in inSpace.Where(property => options.Uses(property.Name)))
                Assert.Equal(property.GetValue(searched), typeof(MahaEstimatorOptions).GetProperty(property.Name)!.GetValue(options));
            Assert.Empty(options.UnusedOptions());
        }
    }

    [Fact]
    public void BinaryTrainer_IsSweepable()
    {
        var small = Toys.Small<MahaBinaryTextClassificationTrainer.Options>(epochs: 2);
        var split = _mlContext.Data.TrainTestSplit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(40)), 0.3, seed: 1);
        var pipeline = _mlContext.Transforms.CopyColumns("Copy", "Label").Append(_mlContext.Auto().MahaTextClassification(small, Space()));
        var best = _mlContext.Auto().CreateExperiment().SetRecordedPipeline(pipeline, _record).SetDataset(split)
            .SetBinaryClassificationMetric(BinaryClassificationMetric.Accuracy, "Label").SetMaxModelToExplore(2).Run();
        Assert.Equal(2, _record.Trials.Count);
        Assert.Equal("MahaBinaryTextClassification", _record.Trials[0].Trainers);
        (best.Model as IDisposable)?.Dispose();
    }

    [Fact]
    public void Encoder_IsSweepable_BeforeALinearTrainer()
    {
        var options = new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = "Features",
            InputColumnName = "Text",
            VocabSize = 320,
            FeedForwardDim = 32,
            TokensPerBatch = 512,
            ViewLength = 8,
            SpectralDim = 4,
            NumPairBuckets = 64,
            Seed = 7,
        };
        var pipeline = Keys().Append(_mlContext.Auto().MahaEncode(options, Space())).Append(new SweepableEstimator(
            (context, _) => context.MulticlassClassification.Trainers.LbfgsMaximumEntropy(), new SearchSpace()));
        var best = Experiment(pipeline, Split()).SetMaxModelToExplore(2).Run();
        Assert.All(_record.Trials, trial => Assert.Null(trial.Failure));
        Assert.Contains("DModel=", _record.Trials[0].Options, StringComparison.Ordinal);
        Assert.Equal(best.Metric, _mlContext.MulticlassClassification.Evaluate(best.Model.Transform(Split().TestSet)).MicroAccuracy);
        (best.Model as IDisposable)?.Dispose();
    }

    [Fact]
    public void PretrainedEncoder_IsNotSearchedForItsArchitecture()
    {
        var options = new MahaTextEncodingEstimator.Options { PretrainedModel = "some.zip" };
        Assert.Equal(["Dropout", "LearningRate", "MaxSequenceLength", "NumberOfEpochs"], MahaSearchOptions.EncodingSpace(options).Keys.Order());
        options.Freeze = true;
        Assert.Equal(["MaxSequenceLength"], MahaSearchOptions.EncodingSpace(options).Keys);
        options.PretrainedModel = null;
        Assert.Equal(MahaSearchOptions.Space().Keys.Order(), MahaSearchOptions.EncodingSpace(options).Keys.Order());
    }

    [Fact]
    public void CrossValidation_AveragesTheFolds()
    {
        var best = _mlContext.Auto().CreateExperiment().SetRecordedPipeline(Keys().Append(Sweepable()), _record)
            .SetDataset(_mlContext.Data.LoadFromEnumerable(Toys.Documents(30)), fold: 3)
            .SetMulticlassClassificationMetric(MulticlassClassificationMetric.LogLoss, "Label").SetMaxModelToExplore(1).Run();
        Assert.Equal(best.Metric, best.Loss); // smaller is better
        Assert.True(best.Metric > 0);
        (best.Model as IDisposable)?.Dispose();
    }

    [Fact]
    public void MaxTrainingTime_EndsTheTraining_AndACancellationStillThrows()
    {
        var data = Toys.Keyed(_mlContext, Toys.Documents(30));
        var trainer = Toys.Trainer(_mlContext,
            options => (options.MaxTrainingTime, options.EarlyStoppingPatience) = (TimeSpan.FromMilliseconds(300), null), epochs: 1_000_000);
        using (var model = trainer.Fit(data))
            Assert.NotEmpty(MLNet.Tests.Rows.Of(model.Transform(data)));

        using var source = new CancellationTokenSource();
        var canceled = Toys.Trainer(_mlContext, options =>
        {
            options.MaxTrainingTime = TimeSpan.FromHours(1);
            options.CancellationToken = source.Token;
            options.Progress = new Reports(_ => source.Cancel());
        }, epochs: 1_000_000);
        Assert.ThrowsAny<OperationCanceledException>(() => canceled.Fit(data));
    }

    private EstimatorChainStart Keys() => new(_mlContext);

    private DataOperationsCatalog.TrainTestData Split() => _mlContext.Data.TrainTestSplit(_mlContext.Data.LoadFromEnumerable(Toys.Documents(45)), 0.3, seed: 1);

    private AutoMLExperiment Experiment(SweepablePipeline pipeline, DataOperationsCatalog.TrainTestData split) => _mlContext.Auto().CreateExperiment()
        .SetRecordedPipeline(pipeline, _record)
        .SetDataset(split)
        .SetMulticlassClassificationMetric(MulticlassClassificationMetric.MicroAccuracy, "Label");

    private SweepableEstimator Sweepable(Action<SearchSpace<MahaSearchOptions>>? change = null)
    {
        var space = Space();
        change?.Invoke(space);
        return _mlContext.Auto().MahaTextClassification(Small(), space);
    }

    private static MahaTextClassificationTrainer.Options Small() => Toys.Small<MahaTextClassificationTrainer.Options>(epochs: 2);

    // Tiny models.
    private static SearchSpace<MahaSearchOptions> Space()
    {
        var space = MahaSearchOptions.Space(TimeSpan.FromSeconds(10));
        space["DModel"] = new ChoiceOption(16, 32);
        space["NumHeads"] = new ChoiceOption(2, 4);
        space["MaxSequenceLength"] = new ChoiceOption(32, 64);
        space["NumberOfEpochs"] = new UniformIntOption(1, 3);
        return space;
    }

    // Reads better than the extension on an estimator, whose overloads take either sweepables or pipelines.
    private sealed class EstimatorChainStart(MLContext mlContext)
    {
        public SweepablePipeline Append(params ISweepable<IEstimator<ITransformer>>[] ways) =>
            mlContext.Transforms.Conversion.MapValueToKey("Label")
                .Append(new SweepableEstimator((context, _) => context.Transforms.CopyColumns("Copy", "Weight"), new SearchSpace())).Append(ways);
    }

    private sealed class SdcaOptions
    {
        [Microsoft.ML.SearchSpace.Range(1e-4f, 1f, 1e-2f, logBase: true)]
        public float L2 { get; set; } = 1e-2f;
    }

    private sealed class Reports(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }

    private sealed class Told : IMonitor
    {
        public int Completed => Models.Count;

        public List<ITransformer> Models { get; } = [];

        public List<Exception?> Failed { get; } = [];

        public void ReportRunningTrial(TrialSettings settings)
        {
        }

        public void ReportCompletedTrial(TrialResult result) => Models.Add(result.Model);

        public void ReportBestTrial(TrialResult result)
        {
        }

        public void ReportFailTrial(TrialSettings settings, Exception? exception = null) => Failed.Add(exception);
    }
}
