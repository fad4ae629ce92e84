using System.Runtime.InteropServices;
using Maha.Benchmarks.Training;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Distributed;

/// <summary>Small trainings in float64 without dropout, whose weights must not depend on the number of processes.</summary>
internal static class GroupLaw
{
    private const int VocabSize = 40;
    private const int NumClasses = 3;

    /// <summary>Trains a classifier and a reader of windows, together with the processes that were started with this one.</summary>
    /// <param name="device">The device of the models.</param>
    /// <returns>The weights of both.</returns>
    public static double[] Train(Device device) => [.. TrainClassifier(device), .. TrainReader(device)];

    /// <summary>Trains a classifier whose weights are not numbers.</summary>
    /// <exception cref="TrainingDivergedException">Always.</exception>
    public static void Diverge(Device device) => TrainClassifier(device, double.NaN);

    // All weights are multiplied by the scale.
    private static double[] TrainClassifier(Device device, double scale = 1)
    {
        using var random = new RandomStateScope(1);
        using var network = new MahaSequenceClassifier(Model(VocabSize), NumClasses);
        using (no_grad())
        {
            foreach (var weight in network.parameters())
                weight.mul_(scale);
        }
        using var documents = TokenizedDataset.FromTokenIds(Documents(8, VocabSize, 60));
        return Train(network, new SequenceClassificationTask(network, NumClasses), documents, device);
    }

    private static double[] TrainReader(Device device)
    {
        const int WindowLength = 16, MaxTokens = 64;
        var tokenizer = MadeWordPieces.Create(VocabSize);
        using var random = new RandomStateScope(1);
        using var network = new WindowedClassifier(
            Model(tokenizer.VocabSize),
            new WindowedEncoderOptions
            {
                WindowLength = WindowLength,
                ChunkLength = 4,
                MaxDocumentTokens = MaxTokens,
                ClsTokenId = tokenizer.ClsTokenId,
                SepTokenId = tokenizer.SepTokenId,
                Document = Model(tokenizer.VocabSize) with { NumLayers = 1 },
            },
            NumClasses);
        using var ids = TokenizedDataset.FromTokenIds(Documents(8, VocabSize, MaxTokens - 8));
        var documents = new WindowedDocuments(ids, new TokenWindows(tokenizer, WindowLength), int.MaxValue, fixedSeed: null);
        var task = new WindowedClassificationTask(network, new CrossEntropyLoss(NumClasses), states: null);
        return Train(network, task, documents, device);
    }

    private static MahaTransformerOptions Model(int vocabSize) => new()
    {
        VocabSize = vocabSize,
        MaxSequenceLength = 64,
        DModel = 16,
        NumHeads = 2,
        NumLayers = 2,
        Dropout = 0,
        Attention = new HsaOptions { Branching = 4 },
    };

    private static double[] Train(nn.Module network, ITrainingTask task, ITokenizedDocuments documents, Device device)
    {
        network.to(ScalarType.Float64);
        network.to(device);
        var options = new TrainingOptions
        {
            NumberOfEpochs = 2,
            TokensPerBatch = 200,
            GradientAccumulation = 3,
            ClassWeighting = ClassWeighting.Balanced,
            LearningRate = 0.003,
            ValidationFraction = 0.2,
            Device = device,
        };
        new Trainer(options) { Group = ProcessGroups.Join(device) }.Train(task, documents);
        return [.. network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Where(entry => entry.Value.is_floating_point()).SelectMany(entry => entry.Value.cpu().data<double>().ToArray())];
    }

    /// <summary>Writes numbers.</summary>
    public static void Write(string path, double[] values) => File.WriteAllBytes(path, MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>Reads numbers.</summary>
    public static double[] Read(string path) => MemoryMarshal.Cast<byte, double>(File.ReadAllBytes(path)).ToArray();

    private static IEnumerable<(int[] Ids, int Label)> Documents(int firstId, int vocabSize, int maxLength)
    {
        var random = new Random(5);
        for (int i = 0; i < 90; i++)
        {
            int label = random.Next(NumClasses);
            int[] ids = [.. Enumerable.Range(0, random.Next(1, maxLength)).Select(_ => random.Next(firstId, vocabSize))];
            ids[random.Next(ids.Length)] = 4 + label;
            yield return (ids, label);
        }
    }
}
