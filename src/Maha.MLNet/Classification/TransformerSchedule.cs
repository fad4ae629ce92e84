using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;

namespace Maha.MLNet.Classification;

/// <summary>The defaults of the training of a transformer over all tokens of the documents: epochs, documents of a step, and learning rate.</summary>
/// <remarks>
/// The defaults of the options are for short documents, of which a batch of 8,192 tokens holds at least 32 or all. For longer documents, steps of
/// several batches, a lower rate and more epochs replace them.
/// </remarks>
internal static class TransformerSchedule
{
    // The gradient of fewer documents is too noisy, and more documents leave too few steps, for the network to learn.
    private const int MinDocuments = 8;
    private const int MaxDocuments = 32;

    // The steps that the documents of a step leave, where they are more than the minimum.
    private const double EnoughSteps = 1000;

    // The default learning rate is for steps of this many documents, which 8,192 tokens of short documents are. The rate of AdamW follows the square root.
    private const double DocumentsOfFullRate = 64;

    // Documents of more tokens on average need a lower rate, however many of them a step has. On expressions of ListOps of 1,200 tokens, networks of two and
    // four layers learned nothing at 0.0014 in steps of about 50, and one of two layers reached 0.37 at 0.0004.
    private const double LongDocument = 512;
    private const double MaxRateOfLong = 0.0005;

    // A quarter of an hour on two processor cores. More epochs over more documents would take hours for little: the n-grams know by then most of what many
    // documents tell.
    private const double TokensOnProcessor = 10e6;

    // Some minutes on a GPU.
    private const double TokensOnGpu = 100e6;

    // More epochs of few long documents repeat the same documents for little.
    private const int MaxEpochs = 30;

    private const int MaxRestarts = 2;

    // On a GPU a small batch takes as long as a large one, so that a batch should have all documents of a step. Activations bound it: a gigabyte or two of
    // each layer's 40 activations of width D, in float32.
    private const double MaxActivationsOnGpu = 65536 * 128 * 2.0;

    /// <summary>Returns training options with the number of epochs, documents of a step, rate and restarts. What the options set themselves stays.</summary>
    /// <param name="training">The training options that the classifier's options state.</param>
    /// <param name="options">The options of the classifier.</param>
    /// <param name="documents">The training documents.</param>
    /// <param name="model">The shape of the model.</param>
    /// <param name="device">The device of the training.</param>
    public static TrainingOptions Apply(
        TrainingOptions training, MahaSupervisedOptions options, ITokenizedDocuments documents, MahaTransformerOptions model, DeviceType device)
    {
        double tokens = Math.Max(1, Enumerable.Range(0, documents.Count).Sum(row => (double)documents.LengthOf(row)));
        training = training with { MaxRestarts = MaxRestarts };
        // A lower TokensPerBatch does not make documents long. Its batches were chosen by the caller.
        int tokensOfShort = Math.Max(new TrainingOptions().TokensPerBatch, training.TokensPerBatch);
        if (tokens / documents.Count * MaxDocuments <= tokensOfShort || BatchPlan.ByLength(BatchPlan.Lengths(documents), tokensOfShort).Length <= 1)
            return training with { NumberOfEpochs = options.NumberOfEpochs ?? Epochs(TokensOnProcessor, tokens, training.NumberOfEpochs) };

        int epochs = options.NumberOfEpochs ?? Epochs(device == DeviceType.CPU ? TokensOnProcessor : TokensOnGpu, tokens, MaxEpochs);
        double documentsForSteps = documents.Count * (double)epochs / EnoughSteps;
        training = training with
        {
            NumberOfEpochs = epochs,
            MinDocumentsPerStep = options.MinDocumentsPerStep ?? (int)Math.Clamp(documentsForSteps, MinDocuments, MaxDocuments),
        };
        if (device != DeviceType.CPU && !options.IsSet(nameof(options.TokensPerBatch)))
        {
            double ofStep = training.MinDocumentsPerStep * tokens / documents.Count, most = MaxActivationsOnGpu / (model.DModel * (double)model.NumLayers);
            training = training with { TokensPerBatch = (int)Math.Max(training.TokensPerBatch, Math.Min(ofStep, most)) };
        }
        if (options.IsSet(nameof(options.LearningRate)))
            return training;
        int steps = Math.Max(1, new StepPlan(documents, training).Epoch(1).Steps.Length);
        double rate = training.LearningRate * Math.Min(1, Math.Sqrt(documents.Count / (steps * DocumentsOfFullRate)));
        return training with { LearningRate = tokens / documents.Count > LongDocument ? Math.Min(rate, MaxRateOfLong) : rate };
    }

    private static int Epochs(double budget, double tokens, int most) => (int)Math.Clamp(Math.Round(budget / tokens), 1, most);
}
