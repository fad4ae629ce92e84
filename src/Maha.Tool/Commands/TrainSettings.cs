using System.Globalization;
using Maha.Layers.Training;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;

namespace Maha.Tool.Commands;

/// <summary>What a training does.</summary>
internal sealed record TrainSettings
{
    public required string Model { get; init; }

    public required bool IsEncoder { get; init; }

    public required bool IsFromScratch { get; init; }

    public required TimeSpan? MaxTrainingTime { get; init; }

    public required int? Epochs { get; init; }

    public required int? MaxTokens { get; init; }

    public required double TestFraction { get; init; }

    public required IReadOnlyList<string> Test { get; init; }

    public required string? Checkpoint { get; init; }

    public required int Seed { get; init; }

    public required bool IsStrict { get; init; }

    /// <summary>The options of a classifier.</summary>
    public MahaTextClassificationTrainer.Options Classifier(ToolContext context)
    {
        var options = new MahaTextClassificationTrainer.Options { NumberOfEpochs = Epochs };
        Apply(options, context);
        options.PretrainedModel = IsFromScratch ? null : MahaPretrained.MiniLM;
        return options;
    }

    /// <summary>The options of an encoder.</summary>
    public MahaTextEncodingEstimator.Options Encoder(ToolContext context)
    {
        var options = new MahaTextEncodingEstimator.Options { OutputColumnName = "Features", InputColumnName = "Text" };
        Apply(options, context);
        if (Epochs is int epochs)
            options.NumberOfEpochs = epochs;
        options.PretrainedModel = IsFromScratch ? null : MahaPretrained.MiniLM;
        // The pretrained encoder is not trained further, so that it has no progress.
        if (!IsFromScratch)
            options.Progress = null;
        return options;
    }

    private void Apply(MahaEstimatorOptions options, ToolContext context)
    {
        options.MaxTrainingTime = MaxTrainingTime;
        options.CheckpointPath = Checkpoint;
        options.CancellationToken = context.Cancellation;
        options.Progress = new Reporter(context);
        if (MaxTokens is int tokens)
            options.MaxSequenceLength = tokens;
    }

    private sealed class Reporter(ToolContext context) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => context.Messages.Progress(string.Create(CultureInfo.InvariantCulture,
            $"epoch {value.Epoch} of {value.NumberOfEpochs}, step {value.Step} of {value.TotalSteps}, loss {value.Loss:F3}, "
            + $"{(value.TimeLeft.Days > 0 ? $"{value.TimeLeft.Days} d " : "")}{value.TimeLeft:hh\\:mm\\:ss} left"));
    }
}
