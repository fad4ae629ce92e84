using System.Runtime.InteropServices;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Distributed;

/// <summary>A small training in float64 without dropout, whose weights must not depend on the number of processes.</summary>
internal static class GroupLaw
{
    private const int VocabSize = 40;
    private const int NumClasses = 3;

    /// <summary>Trains, together with the processes that were started with this one.</summary>
    /// <param name="device">The device of the model.</param>
    /// <returns>The weights.</returns>
    public static double[] Train(Device device)
    {
        using var random = new RandomStateScope(1);
        var model = new MahaTransformerOptions
        {
            VocabSize = VocabSize,
            MaxSequenceLength = 64,
            DModel = 16,
            NumHeads = 2,
            NumLayers = 2,
            Dropout = 0,
            Attention = new HsaOptions { Branching = 4 },
        };
        using var network = new MahaSequenceClassifier(model, NumClasses);
        network.to(ScalarType.Float64);
        network.to(device);
        using var documents = TokenizedDataset.FromTokenIds(Documents());
        var options = new TrainingOptions
        {
            NumberOfEpochs = 2,
            TokensPerBatch = 200,
            GradientAccumulation = 3,
            ClassWeighting = ClassWeighting.Balanced,
            LearningRate = 0.003,
            ValidationFraction = 0.2,
        };
        new Trainer(options) { Group = ProcessGroups.Join(device) }.Train(new SequenceClassificationTask(network, NumClasses), documents);
        return [.. network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Where(entry => entry.Value.is_floating_point()).SelectMany(entry => entry.Value.cpu().data<double>().ToArray())];
    }

    /// <summary>Writes numbers.</summary>
    public static void Write(string path, double[] values) => File.WriteAllBytes(path, MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>Reads numbers.</summary>
    public static double[] Read(string path) => MemoryMarshal.Cast<byte, double>(File.ReadAllBytes(path)).ToArray();

    private static IEnumerable<(int[] Ids, int Label)> Documents()
    {
        var random = new Random(5);
        for (int i = 0; i < 90; i++)
        {
            int label = random.Next(NumClasses);
            int[] ids = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(8, VocabSize))];
            ids[random.Next(ids.Length)] = 4 + label;
            yield return (ids, label);
        }
    }
}
