using Maha.Layers.Training;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Fitting;

/// <summary>Trainings that are canceled when all data are read and no step was made: the weights are random.</summary>
public sealed class CanceledBeforeAStepTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly MLContext _mlContext = new(1);
    private readonly CancellationTokenSource _source = new();
    private int _passes;

    public void Dispose()
    {
        _source.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("encoder")]
    [InlineData("language model")]
    [InlineData("binary")]
    public void KeepBest_ThrowsThatThereIsNoModel(string estimator)
    {
        CancelAfterReading();
        var e = Assert.Throws<OperationCanceledException>(() => Fit(
            estimator, options => (options.CancellationToken, options.CancellationBehavior) = (_source.Token, CancellationBehavior.KeepBest)));
        Assert.Contains("there is no model yet that KeepBest could keep", e.Message, StringComparison.Ordinal);
    }

    // A training that goes on has had its step, so that the time ends it at once: without a step it has had none.
    [Theory]
    [InlineData("encoder")]
    [InlineData("binary")]
    public void GoingOnWhenTheTimeIsOver_MakesAStep(string estimator)
    {
        CancelAfterReading(wait: TimeSpan.FromSeconds(1.2));
        void Set(MahaEstimatorOptions options) =>
            (options.CheckpointPath, options.MaxTrainingTime) = (Path.Combine(_folder, "checkpoints"), TimeSpan.FromSeconds(1));
        Assert.Throws<OperationCanceledException>(() => Fit(estimator, options =>
        {
            Set(options);
            options.CancellationToken = _source.Token;
        }));
        long steps = 0;
        Fit(estimator, options =>
        {
            Set(options);
            options.Progress = new AtOnce(progress => steps = Math.Max(steps, progress.Step));
        });
        Assert.InRange(steps, 1, long.MaxValue);
    }

    // That documents were cut is logged when all of them are read. Of a language model nothing is cut.
    private void CancelAfterReading(TimeSpan wait = default) => _mlContext.Log += (_, e) =>
    {
        if (!e.RawMessage.Contains("were cut", StringComparison.Ordinal) || _source.IsCancellationRequested)
            return;
        Thread.Sleep(wait);
        _source.Cancel();
    };

    private void Fit(string estimator, Action<MahaEstimatorOptions> change)
    {
        switch (estimator)
        {
            case "encoder":
                Encoders.Fit(_mlContext, LanguageToys.Data(_mlContext, 30), options =>
                {
                    (options.SpectralDim, options.MaxSequenceLength) = (0, 8);
                    change(options);
                }).Dispose();
                break;
            case "language model":
                LanguageToys.Estimator(_mlContext, change).Fit(_mlContext.Data.LoadFromEnumerable(CanceledAtTheEnd())).Dispose();
                break;
            default:
                Toys.BinaryTrainer(_mlContext, options =>
                {
                    options.MaxSequenceLength = 4;
                    change(options);
                }, epochs: 3).Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(40))).Dispose();
                break;
        }
    }

    private IEnumerable<Passage> CanceledAtTheEnd()
    {
        foreach (var passage in LanguageToys.Passages(20))
            yield return passage;
        // The tokenizer reads the passages first.
        if (++_passes == 2)
            _source.Cancel();
    }
}
