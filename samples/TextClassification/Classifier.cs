using Maha.Layers.Training;
using Maha.MLNet;
using Maha.MLNet.Classification;

namespace TextClassification;

/// <summary>The options of the sample's classifier.</summary>
internal static class Classifier
{
    public static MahaTextClassificationTrainer.Options Options(SampleOptions options, IProgress<TrainingProgress> progress)
    {
        var common = new MahaTextClassificationTrainer.Options
        {
            MaxSequenceLength = options.MaxTokens,
            NumberOfEpochs = options.Epochs,
            MaxTrainingTime = TimeSpan.FromMinutes(options.Minutes),
            Attention = options.Attention,
            Aggregation = options.Aggregation,
            Progress = progress,
            CheckpointPath = options.Checkpoints,
            CheckpointInterval = TimeSpan.FromMinutes(1),
        };
        if (options.FromScratch)
        {
            common.NumLayers = options.Quick ? 1 : 2;
            common.TokensPerBatch = options.Quick ? 4096 : 8192;
        }
        else
        {
            // The trainer chooses what it trains of the encoder, and how many windows of a document it reads, by MaxTrainingTime.
            common.PretrainedModel = MahaPretrained.MiniLM;
            common.DocumentLayers = options.DocumentLayers;
        }
        return common;
    }
}
