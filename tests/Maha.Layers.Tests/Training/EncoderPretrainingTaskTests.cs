using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class EncoderPretrainingTaskTests
{
    private static readonly MahaTransformerOptions s_model = new MahaTransformerOptions
    {
        VocabSize = 50,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 1,
        MaxSequenceLength = 64,
        Positions = PositionKind.Rotary,
        Dropout = 0,
    }.With(window: 8);

    [Fact]
    public void Masking_FollowsTheShares_AndSparesSpecialTokens()
    {
        long[] ids = new long[60_000], before;
        var random = new DeterministicRandom(5);
        for (int i = 0; i < ids.Length; i++)
            ids[i] = i % 3 == 0 ? i / 3 % 6 : 6 + random.Next(500);
        before = [.. ids];
        var (positions, targets) = TokenMasker.Mask(ids, 0.15, 506, ref random);
        Assert.Equal(targets, positions.Select(position => before[position]));
        Assert.All(positions, position => Assert.True(before[position] > ByteLevelBpeTokenizer.EosTokenId));
        for (int i = 0; i < ids.Length; i++)
        {
            if (!positions.Contains(i) && i < 3000)
                Assert.Equal(before[i], ids[i]);
        }

        double share = positions.Count / 40_000.0;
        Assert.InRange(share, 0.14, 0.16);
        Assert.InRange(positions.Count(position => ids[position] == ByteLevelBpeTokenizer.MaskTokenId) / (double)positions.Count, 0.77, 0.83);
        Assert.InRange(positions.Count(position => ids[position] == before[position]) / (double)positions.Count, 0.08, 0.12);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(9)]
    public void MaskedTokens_BecomeAnyOrdinaryToken(int vocabSize)
    {
        long[] ids = [.. Enumerable.Repeat(6L, 20_000)];
        var random = new DeterministicRandom(3);
        TokenMasker.Mask(ids, 0.5, vocabSize, ref random);
        long[] ordinary = [.. Enumerable.Range(6, vocabSize - 6).Select(id => (long)id)];
        Assert.Equal(ordinary.Prepend(ByteLevelBpeTokenizer.MaskTokenId), ids.Distinct().Order());
        // A tenth of the chosen tokens, in equal shares.
        foreach (long id in ordinary.Skip(1))
            Assert.InRange(ids.Count(other => other == id) / (1000.0 / ordinary.Length), 0.8, 1.2);
    }

    [Fact]
    public void ContrastiveLoss_EqualsItsDefinition_AndIgnoresPiecesOfTheSameDocument()
    {
        const double tau = 0.3;
        int[] documents = [0, 1, 1, 0, 1, 1]; // two views of three pieces, two of which are of document 1
        using var vectors = randn(6, 4, dtype: ScalarType.Float64, generator: new Generator(3));
        using var loss = EncoderPretrainingTask.ContrastiveLoss(vectors, documents, tau);
        double[] values = vectors.data<double>().ToArray();
        double Alike(int i, int j) => Enumerable.Range(0, 4).Sum(k => values[i * 4 + k] * values[j * 4 + k]) / tau;
        double expected = 0;
        for (int i = 0; i < 6; i++)
        {
            int partner = (i + 3) % 6;
            double sum = Enumerable.Range(0, 6).Where(j => j == partner || documents[j] != documents[i]).Sum(j => Math.Exp(Alike(i, j)));
            expected -= Alike(i, partner) - Math.Log(sum);
        }
        Assert.Equal(expected / 6, loss.ToDouble(), 1e-9);
    }

    [Theory]
    [InlineData(1, 0, 0.1)]
    [InlineData(0, 1, 0.1)]
    [InlineData(0.5, 2, 0.1)]
    [InlineData(0.5, 2, 0.7)]
    public void Loss_IsTheWeightedSumOfItsParts(double maskedWeight, double contrastiveWeight, double temperature)
    {
        using var scope = NewDisposeScope();
        using var documents = Documents();
        using var random = new RandomStateScope(4);
        using var encoder = new MahaDocumentEncoder(s_model, new DocumentVectorParts { SpectralDim = 0 });
        var options = new PretrainingOptions
        {
            MaskedTokenWeight = maskedWeight,
            ContrastiveWeight = contrastiveWeight,
            Temperature = temperature,
            ViewLength = 6,
            MaskFraction = 0.4,
        };
        var task = new EncoderPretrainingTask(encoder, options);
        var batch = TokenBatch.Create(documents, [0, 2, 3, 4], seed: 8);
        var views = new TokenViews(batch, options, s_model.VocabSize);
        var heads = (PretrainingHeads)task.Module;
        var padding = tensor(views.IsPadding).reshape(views.Count, views.Length);
        var features = encoder.Encoder.Encode(tensor(views.Ids).reshape(views.Count, views.Length), padding).Features;
        double expected = 0;
        if (maskedWeight > 0)
        {
            var masked = features.reshape(-1, s_model.DModel)[tensor(views.MaskedPositions.ToArray())];
            expected += maskedWeight * nn.functional.cross_entropy(heads.PredictTokens(masked), tensor(views.Targets.ToArray())).ToDouble();
        }
        if (contrastiveWeight > 0)
        {
            var vectors = heads.Project(heads.Pooling.call(features, padding));
            expected += contrastiveWeight * EncoderPretrainingTask.ContrastiveLoss(vectors, views.Documents, temperature).ToDouble();
        }
        var loss = task.Loss(batch);
        Assert.Equal(4, loss.Count);
        Assert.Equal(expected, loss.Mean.ToDouble(), 1e-5);
    }

    [Fact]
    public void Views_ArePiecesOfTheirDocuments_FromEveryStart()
    {
        using var documents = Documents();
        int[] rows = [3, 0, 4, 1];
        var options = new PretrainingOptions { ViewLength = 6, MaskFraction = 0.3 };
        var starts = rows.Select(_ => new HashSet<int>()).ToArray();
        for (int seed = 0; seed < 400; seed++)
        {
            using var batch = TokenBatch.Create(documents, rows, seed: seed);
            var views = new TokenViews(batch, options, s_model.VocabSize);
            Assert.Equal((8, 6), (views.Count, views.Length));
            Assert.Equal(rows.Concat(rows), views.Documents);
            long[] ids = [.. views.Ids];
            for (int i = 0; i < views.Targets.Count; i++)
                ids[views.MaskedPositions[i]] = views.Targets[i];
            for (int view = 0; view < views.Count; view++)
            {
                int[] tokens = documents.TokensOf(rows[view % 4]);
                int length = Math.Min(6, tokens.Length);
                Assert.Equal(length, views.Lengths[view]);
                // The tokens of a document count up, so that the first tells where the piece begins.
                int start = (int)ids[view * 6] - tokens[0];
                Assert.Equal(tokens.Skip(start).Take(length).Select(token => (long)token), ids.Skip(view * 6).Take(length));
                Assert.All(ids.Skip((view * 6) + length).Take(6 - length), id => Assert.Equal(ByteLevelBpeTokenizer.PadTokenId, id));
                Assert.Equal(Enumerable.Range(0, 6).Select(i => i >= length), views.IsPadding.Skip(view * 6).Take(6));
                starts[view % 4].Add(start);
            }
        }
        for (int i = 0; i < rows.Length; i++)
            Assert.Equal(Enumerable.Range(0, Math.Max(1, documents.LengthOf(rows[i]) - 5)), starts[i].Order());
    }

    [Fact]
    public void Views_DependOnTheSeedAlone_AndAreOneEachWithoutContrast()
    {
        using var documents = Documents();
        var options = new PretrainingOptions { ViewLength = 6 };
        long[] Ids(long seed, PretrainingOptions of) => new TokenViews(TokenBatch.Create(documents, [0, 2, 3], seed: seed), of, s_model.VocabSize).Ids;
        using var scope = NewDisposeScope();
        Assert.Equal(Ids(5, options), Ids(5, options));
        Assert.NotEqual(Ids(5, options), Ids(6, options));
        Assert.Equal(3 * 6, Ids(5, options with { ContrastiveWeight = 0 }).Length);
        Assert.DoesNotContain(ByteLevelBpeTokenizer.MaskTokenId, Ids(5, options with { MaskedTokenWeight = 0 }));
    }

    [Fact]
    public void Chunks_CoverDocuments_WithoutOverlap_UpToTheLimit()
    {
        using var documents = TokenizedDataset.FromTokenIds([[.. Enumerable.Range(0, 10)], [], [.. Enumerable.Range(100, 35)]]);
        var all = new DocumentChunks(documents, 10, 99, 1);
        Assert.Equal([10, 10, 10, 10, 5], Enumerable.Range(0, all.Count).Select(all.LengthOf));
        Assert.Equal([0, 2, 2, 2, 2], Enumerable.Range(0, all.Count).Select(all.LabelOf));
        var tokens = new List<int>();
        for (int i = 0; i < all.Count; i++)
        {
            int[] chunk = new int[all.LengthOf(i)];
            all.CopyTokens(i, chunk);
            tokens.AddRange(chunk);
        }
        Assert.Equal(Enumerable.Range(0, 10).Concat(Enumerable.Range(100, 35)), tokens);
        Assert.Equal(3, new DocumentChunks(documents, 10, 2, 1).Count);
        Assert.Equal(1, new DocumentChunks(documents, 10, 99, 1, i => i == 0).Count);
    }

    [Fact]
    public void Training_LowersTheLoss()
    {
        var random = new Random(1);
        using var documents =
            TokenizedDataset.FromTokenIds(Enumerable.Range(0, 40).Select(d => Enumerable.Range(0, 32).Select(_ => 6 + d % 8 * 5 + random.Next(5)).ToArray()));
        MahaDocumentEncoder encoder;
        using (new RandomStateScope(1))
            encoder = new MahaDocumentEncoder(s_model, new DocumentVectorParts { SpectralDim = 0 });
        using var owned = encoder;
        var trainer = new Trainer(new TrainingOptions { NumberOfEpochs = 40, LearningRate = 5e-3, ValidationFraction = 0, TokensPerBatch = 640 });
        var chunks = new DocumentChunks(documents, 32, 4, 1);
        EncoderPretrainingTask task;
        using (new RandomStateScope(2))
            task = new EncoderPretrainingTask(encoder, new PretrainingOptions { ViewLength = 8 });
        double before = trainer.Evaluate(task, chunks).Loss;
        trainer.Train(task, chunks);
        double after = trainer.Evaluate(task, chunks).Loss;
        Assert.True(after < 0.8 * before, $"{before} to {after}");
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void Encoder_IsFitted_InItsOwnType(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var documents = TokenizedDataset.FromTokenIds([[.. Enumerable.Range(6, 20)], [], [.. Enumerable.Range(9, 30)], [7, 7, 8, 9]]);
        using var encoder = new MahaDocumentEncoder(s_model, new DocumentVectorParts { SpectralDim = 2, NumPairBuckets = 16, BeginningTokens = 6 });
        encoder.to(type);
        encoder.FitSpectral(documents, 1);
        encoder.FitScale(documents);
        encoder.eval();
        foreach (int row in new[] { 0, 1 })
        {
            var batch = TokenBatch.Create(documents, [row]);
            var vector = encoder.call(batch.TokenIds, batch.KeyPaddingMask);
            Assert.Equal(type, vector.dtype);
            Assert.True(vector.isfinite().all().ToBoolean());
        }
    }

    [Fact]
    public void Padding_DoesNotChangeVectors()
    {
        var random = new Random(2);
        using var documents =
            TokenizedDataset.FromTokenIds(Enumerable.Range(0, 12).Select(d => Enumerable.Range(0, 5 + 3 * d).Select(_ => 6 + random.Next(44)).ToArray()));
        MahaDocumentEncoder encoder;
        var parts = new DocumentVectorParts { SpectralDim = 4, NumPairBuckets = 64, BeginningTokens = 6, ContextualWeight = 1 };
        using (new RandomStateScope(1))
            encoder = new MahaDocumentEncoder(s_model, parts);
        using var owned = encoder;
        encoder.FitSpectral(documents, 1);
        encoder.FitScale(documents);
        encoder.eval();
        using var noGradient = no_grad();
        using var together = TokenBatch.Create(documents, [0, 5, 11]);
        using var vectors = encoder.call(together.TokenIds, together.KeyPaddingMask);
        foreach (var (row, index) in new[] { 0, 5, 11 }.Select((row, index) => (row, index)))
        {
            using var alone = TokenBatch.Create(documents, [row]);
            using var vector = encoder.call(alone.TokenIds, null);
            float[] expected = vector.data<float>().ToArray(), actual = vectors[index].data<float>().ToArray();
            for (int k = 0; k < expected.Length; k++)
                Assert.Equal(expected[k], actual[k], 1e-5f);
        }
    }

    // Documents of 1 to 12 tokens that count up.
    private static TokenizedDataset Documents() => TokenizedDataset.FromTokenIds(
        new[] { 9, 3, 12, 8, 1 }.Select((length, document) => Enumerable.Range(6 + document, length).ToArray()));
}
