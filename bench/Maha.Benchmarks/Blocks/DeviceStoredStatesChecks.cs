using Maha.Benchmarks.Training;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>Readers of windows on a CUDA device whose frozen layers are computed once, against a training that computes them in every step.</summary>
internal static class DeviceStoredStatesChecks
{
    private const int NumLayers = 3;
    private const int WindowLength = 32;
    private const int NumEpochs = 3;

    /// <summary>Runs all checks on the CUDA device.</summary>
    public static void Run(DeviceReport report)
    {
        var tokenizer = MadeWordPieces.Create(64);
        var random = new Random(1);
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 200).Select(i => (
            Enumerable.Range(0, random.Next(1, 200)).Select(_ => random.Next(3) == 0 ? 7 + (i % 4) : random.Next(11, tokenizer.VocabSize)).ToArray(), i % 4)));
        foreach (var computeType in new ScalarType?[] { null, ScalarType.BFloat16 })
        {
            foreach (int frozen in new[] { 1, NumLayers })
            {
                var stored = Losses(report.Device, isStored: true);
                var again = Losses(report.Device, isStored: false);
                var processor = Losses(CPU, isStored: true);
                double limit = computeType is null ? 5e-3 : 0.05;
                report.Check(
                    $"{frozen} of {NumLayers} layers frozen, {computeType ?? ScalarType.Float32}, states stored",
                    ("epochs", Math.Abs(stored.Count - NumEpochs), 0), ("computed again", Distance(stored, again), limit), ("processor", Distance(stored, processor), limit));

                List<double> Losses(Device device, bool isStored) => Train(tokenizer, documents, device, computeType, frozen, isStored);
            }
        }
    }

    private static double Distance(List<double> left, List<double> right) => left.Zip(right, (a, b) => Math.Abs(a - b)).Max();

    // The losses of the epochs.
    private static List<double> Train(
        WordPieceTokenizer tokenizer, TokenizedDataset documents, Device device, ScalarType? computeType, int frozen, bool isStored)
    {
        using var randomState = new RandomStateScope(1);
        using var scope = NewDisposeScope();
        var model = new MahaTransformerOptions
        {
            VocabSize = tokenizer.VocabSize,
            DModel = 64,
            NumHeads = 2,
            NumLayers = NumLayers,
            FeedForwardDim = 128,
            MaxSequenceLength = WindowLength,
            Positions = PositionKind.Learned,
            EmbeddingNorm = true,
            FinalNorm = false,
            Dropout = 0,
            Attention = new FullOptions(),
        };
        var shape = new WindowedEncoderOptions
        {
            WindowLength = WindowLength,
            ChunkLength = 10,
            MaxDocumentTokens = 1000,
            NumVotes = 4,
            ClsTokenId = tokenizer.ClsTokenId,
            SepTokenId = tokenizer.SepTokenId,
        };
        using var classifier = new WindowedClassifier(model, shape, 4);
        classifier.to(device);
        classifier.Reader.Encoder.Freeze(frozen);
        var windows = new WindowedDocuments(documents, new TokenWindows(tokenizer, WindowLength), 5, fixedSeed: 1);
        using var states = isStored
            ? WindowStates.Compute(classifier.Reader, windows, frozen, new TokenizedDatasetOptions(), progress: null, group: null, CancellationToken.None) : null;
        var task = new WindowedClassificationTask(classifier, new CrossEntropyLoss(4), states is null ? null : _ => states);
        var options = new TrainingOptions
        {
            NumberOfEpochs = NumEpochs,
            TokensPerBatch = 1024,
            LearningRate = 1e-3,
            ValidationFraction = 0,
            Device = device,
            ComputeType = computeType,
        };
        return [.. new Trainer(options).Train(task, windows).Epochs.Select(epoch => epoch.TrainingLoss)];
    }
}
