using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class LanguageModelingTaskTests
{
    private const int V = 12;
    private const int Period = 7;

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.HsaCausal)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    public void Model_LearnsWhatOnlyTheTokensBeforeTell(AttentionKind attention)
    {
        // Each text repeats seven random tokens: the token seven back tells the next one, no token alone does.
        using var training = TokenizedDataset.FromTokenIds(Texts(1, 400));
        using var test = TokenizedDataset.FromTokenIds(Texts(2, 50));
        using var model = Model(attention);
        var task = new LanguageModelingTask(model);
        var trainer = new Trainer(new TrainingOptions { NumberOfEpochs = 10, TokensPerBatch = 512, LearningRate = 0.01, ValidationFraction = 0 });
        double before = trainer.Evaluate(task, test).Loss;
        trainer.Train(task, training);
        var after = trainer.Evaluate(task, test);
        Assert.InRange(before, 2, 4);

        // The first period can't be told (ln 10 each), the rest can: (7 * 2.3 + 28 * 0) / 35 = 0.46 is perfect, 2.3 is without memory.
        Assert.InRange(after.Loss, 0.4, 1.4);
        Assert.Equal(50 * 35, after.Count);
    }

    [Fact]
    public void SameSeed_GivesTheSameWeights_AndCancellationEndsIt()
    {
        double[] first = Train(), second = Train();
        Assert.Equal(first, second);
        using var documents = TokenizedDataset.FromTokenIds(Texts(1, 20));
        using var model = Model(AttentionKind.Maha);
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => new Trainer().Train(new LanguageModelingTask(model), documents, cancellationToken: source.Token));

        static double[] Train()
        {
            using var documents = TokenizedDataset.FromTokenIds(Texts(1, 20));
            using var model = Model(AttentionKind.Maha);
            new Trainer(new TrainingOptions { NumberOfEpochs = 1, TokensPerBatch = 256 }).Train(new LanguageModelingTask(model), new PackedContexts(documents, 32, 5));
            return [.. model.parameters().SelectMany(TestTensors.ToArray)];
        }
    }

    [Fact]
    public void WhatDoesNotFit_IsRefused()
    {
        using var model = Model(AttentionKind.Maha);
        var task = new LanguageModelingTask(model);
        using var documents = TokenizedDataset.FromTokenIds(Texts(1, 20));
        using var single = TokenizedDataset.FromTokenIds([[3], [4]]);
        Assert.Contains("ClassWeighting", Assert.Throws<ArgumentException>(() => new Trainer(new TrainingOptions { ClassWeighting = ClassWeighting.Balanced }).Train(task, documents)).Message, StringComparison.Ordinal);
        Assert.Contains("two tokens", Assert.Throws<ArgumentException>(() => new Trainer().Train(task, single)).Message, StringComparison.Ordinal);
        Assert.Contains("EarlyStoppingMetric", Assert.Throws<ArgumentException>(() => new Trainer(new TrainingOptions { EarlyStoppingMetric = ValidationMetric.Accuracy }).Train(task, documents)).Message, StringComparison.Ordinal);
    }

    private static MahaLanguageModel Model(AttentionKind attention)
    {
        using var random = new RandomStateScope(1);
        return new MahaLanguageModel(new MahaTransformerOptions
        {
            VocabSize = V, MaxSequenceLength = 36, DModel = 32, NumHeads = 4, NumLayers = 2, FeedForwardDim = 64, Window = 16, NumScales = 2, Branching = 8, Dropout = 0, IsCausal = true,
            Attention = attention, Overlap = attention == AttentionKind.HsaCausal, Positions = PositionKind.Rotary, EmbeddingNorm = true,
        });
    }

    private static IEnumerable<int[]> Texts(int seed, int count)
    {
        var random = new Random(seed);
        for (int text = 0; text < count; text++)
        {
            int[] period = [.. Enumerable.Range(0, Period).Select(_ => random.Next(2, V))];
            yield return [0, .. Enumerable.Range(0, 5 * Period).Select(i => period[i % Period])];
        }
    }
}
