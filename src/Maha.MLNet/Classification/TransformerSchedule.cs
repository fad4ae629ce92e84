using Maha.Layers.Data;
using Maha.Layers.Training;
using TorchSharp;

namespace Maha.MLNet.Classification;

/// <summary>How long and how fast a transformer over all tokens of the documents learns, where the options do not state it.</summary>
internal static class TransformerSchedule
{
    // The gradient of fewer documents is too noisy, and more documents leave too few steps, for the network to learn.
    private const int MinDocuments = 8;
    private const int MaxDocuments = 32;

    // The steps that the documents of a step leave, where they are more than the minimum.
    private const double EnoughSteps = 1000;

    // The default learning rate is for steps of this many documents, which 8,192 tokens of short documents are. Of AdamW the rate follows the square root.
    private const double DocumentsOfFullRate = 64;

    // A quarter of an hour on two processor cores. More epochs over more documents would take hours for little: the n-grams know by then most of what many
    // documents tell.
    private const double TokensOnProcessor = 10e6;

    // Some minutes on a GPU.
    private const double TokensOnGpu = 100e6;

    // More epochs of few long documents repeat the same documents for little.
    private const int MaxEpochs = 30;

    private const int MaxRestarts = 2;

    /// <summary>Returns training options with the number of epochs, documents of a step, rate and restarts. What the options set themselves stays.</summary>
    public static TrainingOptions Apply(TrainingOptions training, MahaClassifierOptions options, ITokenizedDocuments documents, DeviceType device)
    {
        int epochs = options.NumberOfEpochs ?? Epochs(training, documents, device);
        double documentsForSteps = documents.Count * (double)epochs / EnoughSteps;
        training = training with
        {
            NumberOfEpochs = epochs,
            MinDocumentsPerStep = options.MinDocumentsPerStep ?? (int)Math.Clamp(documentsForSteps, MinDocuments, MaxDocuments),
            MaxRestarts = MaxRestarts,
        };
        if (options.IsSet(nameof(options.LearningRate)))
            return training;
        int steps = Math.Max(1, new StepPlan(documents, training).Epoch(1).Steps.Length);
        return training with { LearningRate = training.LearningRate * Math.Min(1, Math.Sqrt(documents.Count / (steps * DocumentsOfFullRate))) };
    }

    private static int Epochs(TrainingOptions training, ITokenizedDocuments documents, DeviceType device)
    {
        double tokens = Math.Max(1, Enumerable.Range(0, documents.Count).Sum(row => (double)documents.LengthOf(row)));
        bool isLong = tokens / documents.Count * MaxDocuments > training.TokensPerBatch;
        double budget = device == DeviceType.CPU || !isLong ? TokensOnProcessor : TokensOnGpu;
        return (int)Math.Clamp(Math.Round(budget / tokens), 1, isLong ? MaxEpochs : training.NumberOfEpochs);
    }
}
