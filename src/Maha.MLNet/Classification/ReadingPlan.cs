using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Kernels;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>How much of the documents and of a pretrained encoder a training uses, so that it ends in time.</summary>
internal sealed record ReadingPlan
{
    // Without a limit, the network of a processor learns for about this long; the n-grams and the reading of texts come before it.
    private static readonly TimeSpan s_timeOnProcessor = TimeSpan.FromMinutes(9);

    // A backward pass costs twice its forward pass.
    private const double CostOfTraining = 3;

    // Validation predicts, so it should read documents as a prediction does; more windows than this change few predictions.
    private const int MaxWindowsToValidate = 64;

    // However short the time is: fewer tell nothing.
    private const int MinDocuments = 64;

    // Of what follows the encoder; the encoder learns at a tenth of it. Small steps of long documents, and blocks over the document, lose at the full rate what
    // the encoder knew.
    private const double LearningRate = 1e-3;
    private const double CarefulLearningRate = 5e-4;

    // Blocks learn how parts are related from many documents or not at all, and then from steps of many.
    private const int DocumentsForRelations = 4000;

    // The activations of all layers of a small encoder for so many tokens take about 1 GB in float32. A step of more tokens is a sum over batches.
    private const int MaxTokensPerBatchOnProcessor = 4096;

    // How much of the time that is left is planned for: the rest covers what the estimate misses.
    private const double ShareOfTime = 0.85;

    // From what reads a document best to what takes the least time: the share of the layers that is frozen, the windows of a document, the most epochs.
    private static readonly (double Frozen, int Windows, int Epochs)[] s_choices =
    [
        (0, 24, 18), (0, 16, 5), (1 / 3.0, 12, 5), (1 / 2.0, 8, 5), (1 / 2.0, 6, 4), (2 / 3.0, 6, 5), (2 / 3.0, 4, 4), (2 / 3.0, 4, 3), (2 / 3.0, 3, 3),
        (5 / 6.0, 3, 5), (5 / 6.0, 2, 5), (5 / 6.0, 2, 3), (5 / 6.0, 1, 4), (5 / 6.0, 1, 2), (5 / 6.0, 1, 1),
    ];

    /// <summary>The number of the encoder's lower layers that stay as they are. Their states are computed once.</summary>
    public required int FrozenLayers { get; init; }

    /// <summary>The number of the encoder's layers.</summary>
    public required int NumLayers { get; init; }

    /// <summary>The most windows of a document that a training step reads.</summary>
    public required int WindowsPerDocument { get; init; }

    /// <summary>The most windows of a validation document that are read.</summary>
    public required int WindowsToValidate { get; init; }

    /// <summary>The number of epochs.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>The share of the training documents that is read.</summary>
    public required double DocumentFraction { get; init; }

    /// <summary>The number of documents of a step.</summary>
    public required int DocumentsPerStep { get; init; }

    /// <summary>The most tokens of a batch of a training that keeps the activations of all layers.</summary>
    public required int MaxTokensPerBatch { get; init; }

    /// <summary>Whether the training has the lower of two learning rates.</summary>
    public required bool IsCareful { get; init; }

    /// <summary>The mean number of tokens of a document that a step reads.</summary>
    public required double TokensPerDocument { get; init; }

    /// <summary>The expected time of the training.</summary>
    public required TimeSpan Expected { get; init; }

    /// <summary>The number of documents of the training.</summary>
    public required int NumDocuments { get; init; }

    /// <summary>The device.</summary>
    public required DeviceType Device { get; init; }

    /// <summary>Chooses by device, data size, <see cref="MahaEstimatorOptions.MaxTrainingTime"/> and the measured speed of the encoder.</summary>
    public static ReadingPlan Choose(
        ModelFitting fitting, MahaSupervisedOptions options, WindowedEncoder reader, TokenWindows windows, ITokenizedDocuments training, ITokenizedDocuments? validating)
    {
        bool isProcessor = fitting.Device.type == DeviceType.CPU;
        double tokensPerSecond = MeasureSpeed(reader, windows, training);
        int maxTokensPerBatch = isProcessor
            ? MaxTokensPerBatchOnProcessor : GpuBatch.MaxTokens(CudaDevice.Get(fitting.Device.index).MemoryBytes, reader.Encoder.Options, fitting.ComputeType);
        double? seconds = fitting.TimeLeft is { } left ? left.TotalSeconds * ShareOfTime : isProcessor ? s_timeOnProcessor.TotalSeconds : null;
        var lengths = new Lengths(training, validating, windows.WindowLength);
        ReadingPlan? plan = null;
        foreach (var (frozen, mostWindows, epochs) in s_choices)
        {
            int numLayers = reader.Encoder.Options.NumLayers;
            plan = Create(lengths, frozen: (int)Math.Round(frozen * numLayers), numLayers, mostWindows, epochs);
            if (seconds is not { } limit || plan.Expected.TotalSeconds <= limit)
                return plan;
        }
        // Fewer documents: of the cheapest choice, as many as there is time for.
        double fraction = Math.Clamp(seconds!.Value / plan!.Expected.TotalSeconds, Math.Min(1, MinDocuments / (double)training.Count), 1);
        return plan with { DocumentFraction = fraction, NumDocuments = (int)Math.Round(fraction * training.Count), Expected = plan.Expected * fraction };

        ReadingPlan Create(Lengths documents, int frozen, int numLayers, int mostWindows, int mostEpochs)
        {
            int toValidate = Math.Min(MaxWindowsToValidate, 4 * mostWindows);
            double trained = documents.TrainingTokens(mostWindows), validated = documents.ValidationTokens(toValidate);
            double perDocument = trained / Math.Max(1, training.Count);
            bool hasBlocks = reader.Options.Document is not null, isLong = perDocument > 4 * windows.WindowLength;
            int epochs = options.NumberOfEpochs ?? Math.Min(mostEpochs, MostEpochs(training.Count, isLong));
            double upper = (numLayers - frozen) / (double)numLayers;
            double once = frozen == 0 ? 0 : (trained + validated) * (1 - upper);
            double passes = once + (epochs * upper * ((CostOfTraining * trained) + validated));
            return new ReadingPlan
            {
                FrozenLayers = frozen,
                NumLayers = numLayers,
                WindowsPerDocument = mostWindows,
                WindowsToValidate = toValidate,
                NumberOfEpochs = epochs,
                DocumentFraction = 1,
                DocumentsPerStep = hasBlocks && training.Count >= DocumentsForRelations ? 32 : isLong ? 8 : training.Count < 5000 ? 16 : 32,
                MaxTokensPerBatch = maxTokensPerBatch,
                IsCareful = isLong || hasBlocks,
                TokensPerDocument = perDocument,
                Expected = Durations.FromSeconds(passes / tokensPerSecond),
                NumDocuments = training.Count,
                Device = fitting.Device.type,
            };
        }
    }

    /// <summary>Returns the training documents, or a sample of them with the same shares of the classes.</summary>
    public ITokenizedDocuments Sample(ITokenizedDocuments documents, int seed) =>
        DocumentFraction < 1 ? DocumentSubset.Split(documents, 1 - DocumentFraction, seed).Training : documents;

    /// <summary>Returns training options for this plan. What the options set themselves stays.</summary>
    public TrainingOptions Apply(TrainingOptions training, MahaSupervisedOptions options) => training with
    {
        NumberOfEpochs = NumberOfEpochs,
        LearningRateDecay = LearningRateDecay.Linear,
        LearningRate = options.IsSet(nameof(options.LearningRate)) ? options.LearningRate : IsCareful ? CarefulLearningRate : LearningRate,
        TokensPerBatch = options.IsSet(nameof(options.TokensPerBatch))
            ? options.TokensPerBatch : (int)Math.Clamp(TokensPerStep, DocumentsPerStep, TokensOfTrainedLayers),
        // A batch of a whole step has somewhat fewer documents, because of padding; a second batch would halve the number of steps.
        MinDocumentsPerStep = options.MinDocumentsPerStep
            ?? (options.IsSet(nameof(options.TokensPerBatch)) || TokensPerStep <= TokensOfTrainedLayers ? 1 : DocumentsPerStep),
    };

    private double TokensPerStep => DocumentsPerStep * TokensPerDocument;

    // Only the layers that are trained keep their activations.
    private double TokensOfTrainedLayers => MaxTokensPerBatch * NumLayers / Math.Max(1.0, NumLayers - FrozenLayers);

    /// <summary>States the choices, in one sentence for the user.</summary>
    /// <param name="name">The name of the weights.</param>
    public string Describe(string name)
    {
        string layers = FrozenLayers == 0 ? $"all {NumLayers} layers" : $"the upper {NumLayers - FrozenLayers} of {NumLayers} layers";
        string documents = DocumentFraction < 1 ? $"a sample of {NumDocuments} documents" : $"{NumDocuments} documents";
        string device = Device == DeviceType.CPU ? "processor" : "GPU";
        string windows = WindowsPerDocument == 1 ? "one window of each" : $"at most {WindowsPerDocument} windows of each";
        string epochs = NumberOfEpochs == 1 ? "one epoch" : $"{NumberOfEpochs} epochs";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Trains {layers} of '{name}' on the {device}, on {documents}, {windows}, in {epochs}: " +
            $"about {Expected.TotalMinutes:F1} minutes. MaxTrainingTime sets another limit, NumberOfEpochs another number of epochs.");
    }

    // Some hundreds of long documents need more passes than as many short ones: their steps are smaller, and so is the rate.
    private static int MostEpochs(int documents, bool areLong) => documents < 1000 ? (areLong ? 18 : 10) : documents < 4000 ? 5 : documents < 10_000 ? 3 : 2;

    private static double MeasureSpeed(WindowedEncoder reader, TokenWindows windows, ITokenizedDocuments documents)
    {
        // Real text, repeated: padding and unusual ids would measure something else.
        int[] ids = new int[windows.WindowLength - TokenWindows.NumSpecialTokens];
        for (int document = 0, filled = 0; document < documents.Count && filled < ids.Length; document++)
        {
            int[] own = documents.TokensOf(document);
            int count = Math.Min(own.Length, ids.Length - filled);
            own.AsSpan(0, count).CopyTo(ids.AsSpan(filled));
            filled += count;
        }
        int[] window = windows.Frame(ids, [0..ids.Length]);
        var device = reader.Encoder.TokenEmbeddings.device;
        int numWindows = device.type == DeviceType.CPU ? 8 : 128;
        long[] all = [.. Enumerable.Repeat(window, numWindows).SelectMany(one => one.Select(id => (long)id))];
        using var noGradient = no_grad();
        bool wasTraining = reader.training;
        reader.eval();
        double best = 0;
        for (int repeat = 0; repeat < 3; repeat++)
        {
            using var scope = NewDisposeScope();
            long started = Stopwatch.GetTimestamp();
            var batch = tensor(all, [numWindows, window.Length], device: device);
            reader.Encoder.call(batch, MixingContext.Unpadded).Features.sum().ToDouble();
            best = Math.Max(best, all.Length / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
        reader.train(wasTraining);
        return best;
    }

    // The lengths of the documents, which give the tokens that are read of them.
    private sealed class Lengths(ITokenizedDocuments training, ITokenizedDocuments? validating, int windowLength)
    {
        private readonly int[] _training = BatchPlan.Lengths(training);
        private readonly int[] _validating = validating is null ? [] : BatchPlan.Lengths(validating);

        public double TrainingTokens(int windows) => Tokens(_training, windows);

        public double ValidationTokens(int windows) => Tokens(_validating, windows);

        private double Tokens(int[] lengths, int windows) => lengths.Sum(length => (double)Math.Min(length + TokenWindows.NumSpecialTokens, (long)windows * windowLength));
    }
}
