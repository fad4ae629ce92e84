using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Swap;

/// <summary>Trains a small classifier with standard attention, then replaces its layers by hierarchical attention.</summary>
[Collection(AloneCollection.Name)]
public class TrainedSwapTests
{
    private const int NumClasses = 3;
    private const int Filler = 30;
    private const int Length = 128;

    private static readonly MahaTransformerOptions s_model = new MahaTransformerOptions
    {
        VocabSize = 2 + NumClasses + Filler,
        MaxSequenceLength = Length,
        DModel = 32,
        NumHeads = 2,
        NumLayers = 4,
        FeedForwardDim = 64,
        Dropout = 0,
        Positions = PositionKind.None,
        Pooling = PoolingKind.Mean,
    }.With(attention: AttentionKind.Full);

    [Fact]
    public void OneLayerWithoutTraining_AndAllWithOneEpoch_CostAtMostThreePoints()
    {
        MahaSequenceClassifier classifier;
        using (new RandomStateScope(1))
            classifier = new MahaSequenceClassifier(s_model, NumClasses);
        using var owner = classifier;
        using var training = Documents(600, seed: 1);
        using var test = Documents(300, seed: 2);
        var trainer = new Trainer(
            new TrainingOptions { NumberOfEpochs = 6, TokensPerBatch = 2048, LearningRate = 0.003, EarlyStoppingMetric = ValidationMetric.Accuracy });
        trainer.Train(new SequenceClassificationTask(classifier, NumClasses), training);

        using var scope = NewDisposeScope();
        var sample = (tensor(Enumerable.Range(0, 4).SelectMany(i => Document(new Random(50 + i), i % NumClasses)).Select(id => (long)id).ToArray(),
            [4, Length]), MixingContext.Unpadded);
        var steps = HsaConversion.SwapInOrder(classifier, [sample], Accuracy, new HsaConversionOptions { Branching = 4 });
        string table = string.Join("; ", steps.Select(step => $"{step.Swapped.Count}: {step.Score:f3}"));
        Assert.True(steps[0].Score >= 0.95, table);
        Assert.True(steps[1].Score >= steps[0].Score - 0.03, table);
        Assert.True(steps[1].SwappedReduction >= 0.9, $"{steps[1].SwappedReduction:f3}");

        // Marker tokens at random positions, unlike their neighbors, are the hard case: replacing more layers needs an epoch of training.
        using var swapped = HsaConversion.Swap(classifier, [0, 1, 2, 3], new HsaConversionOptions { Branching = 4 });
        new Trainer(trainer.Options with { NumberOfEpochs = 1 }).Train(new SequenceClassificationTask(swapped, NumClasses), training);
        double tuned = Accuracy(swapped);
        Assert.True(tuned >= steps[0].Score - 0.03, $"{table}; tuned {tuned:f3}");

        double Accuracy(MahaSequenceClassifier model) => trainer.Evaluate(new SequenceClassificationTask(model, NumClasses), test).Accuracy!.Value;
    }

    private static TokenizedDataset Documents(int count, int seed)
    {
        var random = new Random(seed);
        return TokenizedDataset.FromTokenIds(Enumerable.Range(0, count).Select(i => (Document(random, i % NumClasses), i % NumClasses)));
    }

    // Six marker tokens of the class among filler, and three of each other class: the class has most of them.
    private static int[] Document(Random random, int label)
    {
        int[] ids = [.. Enumerable.Range(0, Length).Select(_ => 2 + NumClasses + random.Next(Filler))];
        int[] places = [.. Enumerable.Range(0, Length).OrderBy(_ => random.Next()).Take(9)];
        for (int i = 0; i < places.Length; i++)
            ids[places[i]] = 2 + (i < 6 ? label : (label + 1 + random.Next(NumClasses - 1)) % NumClasses);
        return ids;
    }
}
