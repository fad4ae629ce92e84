using Maha.Layers.Training;
using Maha.MLNet.Classification;

namespace TextClassification;

/// <summary>The options of the sample's classifier.</summary>
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
        // The time budget ends the training; the best weights so far are kept.
        CancellationToken = budget,
        CancellationBehavior = CancellationBehavior.KeepBest,
    };
}
