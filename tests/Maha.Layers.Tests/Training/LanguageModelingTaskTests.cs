using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class LanguageModelingTaskTests
{
    private const int V = 12;
    private const int Period = 7;

    // Float32 sums of a hundred terms of about 2.
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.HsaCausal)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    public void Model_LearnsToUseEarlierTokens(AttentionKind attention)
    {
        // Each text repeats seven random tokens: the token seven positions before determines the next one, and no other token does.
        using var training = TokenizedDataset.FromTokenIds(Texts(1, 400));
        using var test = TokenizedDataset.FromTokenIds(Texts(2, 50));
        using var model = Model(attention);
        var task = new LanguageModelingTask(model);
        var trainer = new Trainer(new TrainingOptions { NumberOfEpochs = 10, TokensPerBatch = 512, LearningRate = 0.01, ValidationFraction = 0 });
        double before = trainer.Evaluate(task, test).Loss;
        trainer.Train(task, training);
        var after = trainer.Evaluate(task, test);
        Assert.InRange(before, 2, 4);

        // The first period can't be predicted (a loss of ln 10 per token), the rest can: (7 * 2.3 + 28 * 0) / 35 = 0.46 is perfect, 2.3 is chance.
        Assert.InRange(after.Loss, 0.4, 1.4);
        Assert.Equal(50 * 35, after.Count);
    }

    [Fact]
    public void Validation_IsWithoutLabelSmoothing()
    {
        using var documents = TokenizedDataset.FromTokenIds(Texts(1, 20));
        using var model = Model(AttentionKind.Full);
        double LossOf(double smoothing) =>
            new Trainer(new TrainingOptions { LabelSmoothing = smoothing }).Evaluate(new LanguageModelingTask(model), documents).Loss;
        using var scope = NewDisposeScope();
        double sum = Enumerable.Range(0, 20).Sum(row => model.LogLikelihoods(TokenBatch.Create(documents, [row]).TokenIds, null).sum().ToDouble());
        Assert.Equal(-sum / (20 * 35), LossOf(0), Tolerance);
        Assert.Equal(LossOf(0), LossOf(0.3));
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
            new Trainer(new TrainingOptions { NumberOfEpochs = 1, TokensPerBatch = 256 }).Train(new LanguageModelingTask(model),
                new PackedContexts(documents, 32, 5));
            return [.. model.parameters().SelectMany(TestTensors.ToArray)];
        }
    }

    // The length grows from 8 tokens during half of the training. A row of 35 has two doublings, so that the lengths 8, 17 and 35 take a sixth of the training
    // each.
    [Theory]
    [InlineData(0, 4)]
    [InlineData(0.166, 4)]
    [InlineData(0.167, 2)]
    [InlineData(0.333, 2)]
    [InlineData(0.334, 1)]
    [InlineData(0.5, 1)]
    [InlineData(1, 1)]
    public void GrowingContexts_AreTheRowsInPieces(double progress, int pieces)
    {
        using var documents = TokenizedDataset.FromTokenIds([.. Texts(3, 4).Select(text => text[..35]), Texts(4, 1).Single()[..21]]);
        using var batch = TokenBatch.Create(documents, [0, 1, 2, 3, 4], progress: progress);
        using var model = Model(AttentionKind.HsaCausal);
        using var loss = new LanguageModelingTask(model, contextGrowthFraction: 0.5, shortestContext: 8).Loss(batch).Mean;

        double sum = 0;
        int count = 0, length = 35 / pieces;
        for (int row = 0; row < 5; row++)
        {
            int[] tokens = new int[documents.LengthOf(row)];
            documents.CopyTokens(row, tokens);
            for (int start = 0; start + 1 < tokens.Length && start < pieces * length; start += length)
            {
                long[] piece = [.. tokens[start..Math.Min(start + length, tokens.Length)].Select(token => (long)token)];
                if (piece.Length < 2)
                    continue;
                using var ids = tensor(piece, [1, piece.Length]);
                using var likelihoods = model.LogLikelihoods(ids, null);
                sum -= TestTensors.ToArray(likelihoods).Sum();
                count += piece.Length - 1;
            }
        }
        Assert.Equal(sum / count, TestTensors.ToArray(loss)[0], Tolerance);
    }

    [Fact]
    public void Validation_HasWholeContexts_AndTrainingBegan_WithPieces()
    {
        using var documents = TokenizedDataset.FromTokenIds(Texts(5, 16));
        using var model = Model(AttentionKind.Full);
        var options = new TrainingOptions { NumberOfEpochs = 1, TokensPerBatch = 16 * 36, ValidationFraction = 0, LearningRate = 1e-9 };
        double whole = new Trainer(options).Evaluate(new LanguageModelingTask(model), documents).Loss;
        Assert.Equal(whole, new Trainer(options).Evaluate(new LanguageModelingTask(model, 1, 8), documents).Loss);

        // The only step of this training uses the shortest length: its loss is that of pieces.
        double first = new Trainer(options).Train(new LanguageModelingTask(model, 1, 8), documents).Epochs[0].TrainingLoss;
        Assert.NotEqual(whole, first, Tolerance);
        Assert.Equal(whole, new Trainer(options).Train(new LanguageModelingTask(model), documents).Epochs[0].TrainingLoss, Tolerance);
    }

    [Fact]
    public void InvalidInput_IsRefused()
    {
        using (var any = Model(AttentionKind.Maha))
        {
            foreach (double fraction in new[] { -0.1, 1.1, double.NaN })
            {
                Assert.Contains("contextGrowthFraction must lie in [0, 1]",
                    Assert.Throws<ArgumentOutOfRangeException>(() => new LanguageModelingTask(any, fraction)).Message, StringComparison.Ordinal);
            }
            Assert.Contains("shortestContext must",
                Assert.ThrowsAny<ArgumentException>(() => new LanguageModelingTask(any, 0.5, 1)).Message, StringComparison.Ordinal);
        }
        using var model = Model(AttentionKind.Maha);
        var task = new LanguageModelingTask(model);
        using var documents = TokenizedDataset.FromTokenIds(Texts(1, 20));
        using var single = TokenizedDataset.FromTokenIds([[3], [4]]);
        Assert.Contains("ClassWeighting", Assert.Throws<ArgumentException>(() => new Trainer(new TrainingOptions { ClassWeighting = ClassWeighting.Balanced })
            .Train(task, documents)).Message, StringComparison.Ordinal);
        Assert.Contains("two tokens", Assert.Throws<ArgumentException>(() => new Trainer().Train(task, single)).Message, StringComparison.Ordinal);
        Assert.Contains("EarlyStoppingMetric", Assert.Throws<ArgumentException>(() =>
            new Trainer(new TrainingOptions { EarlyStoppingMetric = ValidationMetric.Accuracy }).Train(task, documents)).Message, StringComparison.Ordinal);
    }

    private static MahaLanguageModel Model(AttentionKind attention)
    {
        using var random = new RandomStateScope(1);
        return new MahaLanguageModel(new MahaTransformerOptions
        {
            VocabSize = V,
            MaxSequenceLength = 36,
            DModel = 32,
            NumHeads = 4,
            NumLayers = 2,
            FeedForwardDim = 64,
            Dropout = 0,
            IsCausal = true,
            Positions = PositionKind.Rotary,
            EmbeddingNorm = true,
        }.With(window: 16, numScales: 2, branching: 8, attention: attention, overlap: attention == AttentionKind.HsaCausal));
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
