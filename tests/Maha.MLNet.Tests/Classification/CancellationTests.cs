using System.Reflection;
using Maha.Layers.Training;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

public sealed class CancellationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly MLContext _mlContext;
    private readonly List<TrainingProgress> _reports = [];

    public CancellationTests() => _mlContext = new MLContext(1) { TempFilePath = _folder };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void CancelInTheMiddle_Throws_WithoutAnotherStep_AndLeavesNoFiles()
    {
        using var source = new CancellationTokenSource();
        var before = TemporaryFiles();
        var data = Toys.Keyed(_mlContext, Toys.Documents(60));
        var trainer = Toys.Trainer(_mlContext,
            options => (options.CancellationToken, options.Progress) = (source.Token, At(step: 3, source.Cancel)), epochs: 50);
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(data));
        Assert.Equal(3, _reports[^1].Step);
        Assert.Equal(before, TemporaryFiles());
    }

    [Fact]
    public void CancelWithKeepBest_ReturnsTheBestModelSoFar()
    {
        using var source = new CancellationTokenSource();
        var before = TemporaryFiles();
        var data = Toys.Keyed(_mlContext, Toys.Documents(60));
        long perEpoch = 0;
        var progress = new Reports(now =>
        {
            _reports.Add(now);
            perEpoch = now.TotalSteps / now.NumberOfEpochs;
            if (now.Epoch == 10)
                source.Cancel();
        });
        using var model = Toys.Trainer(_mlContext, options =>
        {
            options.CancellationToken = source.Token;
            options.Progress = progress;
            options.CancellationBehavior = CancellationBehavior.KeepBest;
            options.ValidationSet = data;
            options.EarlyStoppingPatience = null;
        }, epochs: 50).Fit(data);
        Assert.True(_reports[^1].Step <= 10 * perEpoch + 1, $"{_reports[^1].Step} steps");
        double best = _reports.Max(report => report.Validation?.Accuracy ?? 0);
        Assert.Equal(best, _mlContext.MulticlassClassification.Evaluate(model.Transform(data)).MicroAccuracy, 1e-9);
        Assert.True(best > 0.5, $"accuracy {best}");
        Assert.Equal(before, TemporaryFiles());
    }

    [Fact]
    public void CancelWhileTheDataIsRead_Throws_AtTheNextRow()
    {
        using var source = new CancellationTokenSource();
        int read = 0;
        IEnumerable<Verdict> Rows()
        {
            foreach (var row in Toys.Verdicts(1000))
            {
                if (++read == 5)
                    source.Cancel();
                yield return row;
            }
        }
        var trainer = Toys.BinaryTrainer(_mlContext, options => options.CancellationToken = source.Token);
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(_mlContext.Data.LoadFromEnumerable(Rows())));
        Assert.InRange(read, 5, 6);
    }

    [Fact]
    public void CanceledBefore_Throws_WhateverTheBehavior()
    {
        foreach (var behavior in Enum.GetValues<CancellationBehavior>())
        {
            var trainer = Toys.BinaryTrainer(_mlContext,
                options => (options.CancellationToken, options.CancellationBehavior) = (new CancellationToken(true), behavior));
            Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(10))));
        }
    }

    [Fact]
    public void CancelWithKeepBest_BeforeTheFirstStep_ThrowsThatThereIsNoModel()
    {
        using var source = new CancellationTokenSource();
        IEnumerable<Verdict> Rows()
        {
            int read = 0;
            foreach (var row in Toys.Verdicts(100))
            {
                if (++read == 50)
                    source.Cancel();
                yield return row;
            }
        }
        var trainer = Toys.BinaryTrainer(_mlContext,
            options => (options.CancellationToken, options.CancellationBehavior) = (source.Token, CancellationBehavior.KeepBest));
        var refusal = Assert.Throws<OperationCanceledException>(() => trainer.Fit(_mlContext.Data.LoadFromEnumerable(Rows())));
        Assert.Contains("there is no model yet that KeepBest could keep. Give it more time", refusal.Message);
    }

    [Fact]
    public void CancelingTheContext_EndsTheTraining()
    {
        // An AutoML experiment does this when its time is over; in ML.NET the member is internal.
        var cancel = typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!;
        var data = Toys.Keyed(_mlContext, Toys.Documents(60));
        var trainer = Toys.Trainer(_mlContext, options => options.Progress = At(step: 2, () => cancel.Invoke(_mlContext, null)), epochs: 50);
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(data));
        Assert.Equal(2, _reports[^1].Step);
    }

    [Fact]
    public void AnExceptionOfTheProgress_EndsTheTraining_AndLeavesNoFiles()
    {
        var before = TemporaryFiles();
        var trainer = Toys.BinaryTrainer(_mlContext, options => options.Progress = At(step: 1, () => throw new TimeoutException("mine")));
        Assert.Equal("mine", Assert.Throws<TimeoutException>(() => trainer.Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(10)))).Message);
        Assert.Equal(before, TemporaryFiles());
    }

    private Reports At(long step, Action action) => new(now =>
    {
        _reports.Add(now);
        if (now.Step == step)
            action();
    });

    private List<string> TemporaryFiles()
        => [.. Directory.EnumerateFileSystemEntries(_folder).Concat(Directory.EnumerateFiles(Path.GetTempPath(), "maha-tokens-*")).Order()];

    private sealed class Reports(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
