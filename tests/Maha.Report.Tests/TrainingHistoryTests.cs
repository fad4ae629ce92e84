using Maha.Layers.Training;

namespace Maha.Report.Tests;

/// <summary>The record of a training.</summary>
public sealed class TrainingHistoryTests
{
    [Fact]
    public void Reports_AreRecorded_AndPassedOn()
    {
        var inner = new Counter();
        var history = new TrainingHistory(inner);
        for (int step = 1; step <= 3; step++)
            history.Report(Progress(step, 3.0 / step));
        history.Report(Progress(3, 1) with { Validation = new ValidationMetrics { Loss = 0.5, Accuracy = 0.75, MacroF1 = 0.7, Count = 8 } });
        Assert.Equal([new(1, 3, 0.1), new(2, 1.5, 0.1), new(3, 1, 0.1)], history.Steps);
        Assert.Equal(new EpochRecord(1, 3, 0.5, 0.75, 0.7), Assert.Single(history.Epochs));
        Assert.Equal(4, inner.Count);
        // A step without a loss is no point of a curve.
        history.Report(Progress(4, double.NaN));
        Assert.Equal(3, history.Steps.Count);
        Assert.Throws<ArgumentNullException>(() => history.Report(null!));
    }

    [Fact]
    public void TrainingThatStartsAgain_ReplacesItsRecord()
    {
        var history = new TrainingHistory();
        for (int step = 1; step <= 5; step++)
            history.Report(Progress(step, 9));
        history.Report(Progress(5, 9) with { Validation = new ValidationMetrics { Loss = 9, Count = 1 } });
        for (int step = 1; step <= 2; step++)
            history.Report(Progress(step, 1));
        Assert.Equal([1, 1], history.Steps.Select(step => step.Loss));
        Assert.Empty(history.Epochs);
    }

    private static TrainingProgress Progress(long step, double loss) => new()
    {
        Epoch = 1,
        NumberOfEpochs = 1,
        Step = step,
        TotalSteps = 5,
        Loss = loss,
        LearningRate = 0.1,
        GradientNorm = 1,
        TokensPerSecond = 1,
        Elapsed = TimeSpan.Zero,
        TimeLeft = TimeSpan.Zero,
    };

    private sealed class Counter : IProgress<TrainingProgress>
    {
        public int Count { get; private set; }

        public void Report(TrainingProgress value) => Count++;
    }
}
