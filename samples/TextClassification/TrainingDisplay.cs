using Maha.Layers.Training;
using Spectre.Console;

namespace TextClassification;

/// <summary>A live progress bar over a training, and one line per validation.</summary>
internal static class TrainingDisplay
{
    public static TModel Show<TModel>(Func<IProgress<TrainingProgress>, TModel> train)
        => AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var task = context.AddTask("tokenizing");
                return train(new Reporter(task));
            });

    private sealed class Reporter(ProgressTask task) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            task.MaxValue = value.TotalSteps;
            task.Value = value.Step;
            task.Description = FormattableString.Invariant(
                $"epoch {value.Epoch}/{value.NumberOfEpochs} loss {value.Loss:F3} rate {value.LearningRate:G2} {value.TokensPerSecond:F0} tokens/s");
            if (value.Validation is { } metrics)
            {
                AnsiConsole.WriteLine($"epoch {value.Epoch}: validation loss {metrics.Loss:F3}, accuracy {metrics.Accuracy:F3}, "
                    + $"macro F1 {metrics.MacroF1:F3}, {value.Elapsed:mm\\:ss} elapsed");
            }
        }
    }
}
