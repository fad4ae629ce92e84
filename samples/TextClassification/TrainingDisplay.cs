using Maha.Layers.Training;
using Spectre.Console;

namespace TextClassification;

/// <summary>A live progress bar over a training.</summary>
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
        }
    }
}
