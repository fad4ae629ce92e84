using Maha.Layers.Data;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>How long and how fast a transformer over all tokens of the documents learns, where the options do not state it.</summary>
internal static class TransformerSchedule
{
    // The gradient of fewer documents is too noisy for the default learning rate.
    private const int DocumentsPerStep = 32;

    // The default learning rate is for steps of this many documents, which 8,192 tokens of short documents are. Of AdamW the rate follows the square root.
    private const double DocumentsOfFullRate = 64;

    // A quarter of an hour on two processor cores. More epochs over more documents would take hours for little: the n-grams know by then most of what many
    // documents tell.
    private const double TokensOnProcessor = 10e6;

    // Some minutes on a GPU.
    private const double TokensOnGpu = 100e6;

    // Few long documents are few steps, and the network begins to learn only after some hundred. More epochs than these repeat the same documents for little.
    private const int MinSteps = 300;
    private const int MaxEpochsOfFewSteps = 30;

    private const int MaxRestarts = 2;

    /// <summary>Returns training options with the number of epochs, documents of a step, rate and restarts. What the options set themselves stays.</summary>
    public static TrainingOptions Apply(TrainingOptions training, MahaClassifierOptions options, ITokenizedDocuments documents, Device device)
    {
        training = training with { MinDocumentsPerStep = options.MinDocumentsPerStep ?? DocumentsPerStep, MaxRestarts = MaxRestarts };
        var plan = new StepPlan(documents, training);
        int steps = Math.Max(1, plan.Epoch(1).Steps.Length);
        double documentsPerStep = documents.Count / (double)steps;
        return training with
        {
            NumberOfEpochs = options.NumberOfEpochs ?? Epochs(plan, steps, training.NumberOfEpochs, documents, training.TokensPerBatch, device),
            LearningRate = options.IsSet(nameof(options.LearningRate))
                ? training.LearningRate : training.LearningRate * Math.Min(1, Math.Sqrt(documentsPerStep / DocumentsOfFullRate)),
        };
    }

    private static int Epochs(StepPlan plan, int steps, int most, ITokenizedDocuments documents, int tokensPerBatch, Device device)
    {
        double tokens = Math.Max(1, plan.TokensOfEpoch);
        bool isLong = tokens / documents.Count * DocumentsPerStep > tokensPerBatch;
        if (isLong)
            most = Math.Clamp((MinSteps + steps - 1) / steps, most, MaxEpochsOfFewSteps);
        double budget = device.type == DeviceType.CPU || !isLong ? TokensOnProcessor : TokensOnGpu;
        return (int)Math.Clamp(Math.Round(budget / tokens), 1, most);
    }
}
