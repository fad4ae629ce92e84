using Maha.Layers.Training;
using Maha.MLNet.Classification;

namespace TextClassification;

/// <summary>How the sample's classifier differs from the defaults.</summary>
internal static class Classifier
{
    public static MahaTextClassificationTrainer.Options Options(SampleOptions options, IProgress<TrainingProgress> progress, CancellationToken budget) => new()
    {
        MaxSequenceLength = options.MaxTokens,
        NumberOfEpochs = options.Epochs,
        Attention = options.Attention,
        Aggregation = options.Aggregation,
        NumLayers = options.Quick ? 1 : 2,
        TokensPerBatch = options.Quick ? 4096 : 8192,
        Progress = progress,
        // The time budget ends the training, and what it has learned by then is kept.
        CancellationToken = budget,
        CancellationBehavior = CancellationBehavior.KeepBest,
    };
}
