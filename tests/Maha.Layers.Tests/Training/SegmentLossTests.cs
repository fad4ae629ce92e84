using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class SegmentLossTests
{
    private const int SegmentLength = 4;
    private const double Weight = 0.3;

    private static readonly WordPieceTokenizer s_tokenizer = SmallWordPiece.Create();
    private static readonly int[] s_lengths = [4, 11, 8, 0, 1, 6];
    private static readonly int[] s_labels = [0, 1, 2, 0, 1, 0];

    [Theory]
    [InlineData(ClassWeighting.None, 0)]
    [InlineData(ClassWeighting.Balanced, 0.2)]
    public void Loss_IsTheClosedForm(ClassWeighting weighting, double labelSmoothing)
    {
        using var scope = NewDisposeScope();
        using var classifier = Classifier();
        using var documents = Documents();
        var options = new TrainingOptions { ClassWeighting = weighting, LabelSmoothing = labelSmoothing };
        var task = new SequenceClassificationTask(classifier, new CrossEntropyLoss(3), new SegmentLoss(Weight, SegmentLength));
        var alone = new SequenceClassificationTask(classifier, 3);
        task.Begin(options, documents, null);
        alone.Begin(options, documents, null);
        double sum = 0, count = 0;
        for (int i = 0; i < documents.Count; i++)
        {
            var batch = TokenBatch.Create(documents, [i]);
            var whole = alone.Loss(batch);
            using var encoding = classifier.Encoder.Encode(batch.TokenIds, null);
            double segments = 0;
            for (int start = 0; start < Math.Max(1, s_lengths[i]); start += SegmentLength)
            {
                int length = Math.Min(SegmentLength, s_lengths[i] - start);
                // The same weights over the features of one segment: its loss, and the share of the tokens.
                var logits = classifier.ClassifySegments(encoding.Features.narrow(1, start, Math.Max(1, length)), batch.KeyPaddingMask, SegmentLength).squeeze(1);
                double weight = weighting == ClassWeighting.None ? 1 : whole.Count;
                var loss = nn.functional.cross_entropy(logits, batch.Labels!, ClassWeights(weighting), label_smoothing: labelSmoothing);
                segments += weight * loss.item<double>() * (s_lengths[i] == 0 ? 1 : length / (double)s_lengths[i]);
            }
            sum += ((1 - Weight) * whole.Mean.item<double>() * whole.Count) + (Weight * segments);
            count += whole.Count;
        }
        var all = task.Loss(TokenBatch.Create(documents, [.. Enumerable.Range(0, documents.Count)]));
        Assert.Equal(count, all.Count, 1e-6);
        Assert.Equal(sum / count, all.Mean.item<double>(), 1e-6);
    }

    [Fact]
    public void LossOfWindows_IsTheClosedForm()
    {
        const int chunkLength = 3, windowLength = 8; // a segment of 8 tokens has 2 states
        using var scope = NewDisposeScope();
        using var classifier = WindowedClassifier(chunkLength, windowLength);
        classifier.eval();
        var windows = new TokenWindows(s_tokenizer, windowLength);
        using var raw = Documents();
        var documents = new WindowedDocuments(raw, windows, int.MaxValue, fixedSeed: null);
        var task = new WindowedClassificationTask(classifier, new CrossEntropyLoss(3), states: null, segmentLoss: new SegmentLoss(Weight, windowLength));
        task.Begin(new TrainingOptions(), documents, null);
        double sum = 0;
        for (int i = 0; i < documents.Count; i++)
        {
            var batch = TokenBatch.Create(documents, [i]);
            var states = classifier.Read(batch.TokenIds, batch.KeyPaddingMask);
            double whole = Loss(states), segments = 0, tokens = Math.Max(1, states.Sizes.Sum());
            for (int start = 0; start < states.States.shape[1]; start += 2)
            {
                int count = (int)Math.Min(2, states.States.shape[1] - start);
                var segment = states with { States = states.States.narrow(1, start, count), Mask = states.Mask?.narrow(1, start, count) };
                double share = s_lengths[i] == 0 ? 1 : states.Sizes.Skip(start).Take(count).Sum() / tokens;
                segments += share * Loss(segment);
            }
            sum += ((1 - Weight) * whole) + (Weight * segments);

            double Loss(EncodedStates of) => nn.functional.cross_entropy(classifier.Classify(of).Logits, batch.Labels!).item<double>();
        }
        var all = task.Loss(TokenBatch.Create(documents, [.. Enumerable.Range(0, documents.Count)]));
        Assert.Equal(sum / documents.Count, all.Mean.item<double>(), 1e-6);
    }

    [Fact]
    public void ShortDocuments_HaveTheLossWithoutSegments_BitForBit()
    {
        using var scope = NewDisposeScope();
        using var classifier = Classifier();
        using var documents = Documents();
        var task = new SequenceClassificationTask(classifier, new CrossEntropyLoss(3), new SegmentLoss(Weight, SegmentLength));
        var alone = new SequenceClassificationTask(classifier, 3);
        task.Begin(new TrainingOptions(), documents, null);
        alone.Begin(new TrainingOptions(), documents, null);
        var batch = TokenBatch.Create(documents, [0, 3, 4]);
        Assert.Equal(alone.Loss(batch).Mean.item<double>(), task.Loss(batch).Mean.item<double>());
    }

    [Fact]
    public void Validation_IsOfTheDocumentsAlone()
    {
        using var classifier = Classifier();
        using var documents = Documents();
        var trainer = new Trainer();
        Assert.Equal(
            trainer.Evaluate(new SequenceClassificationTask(classifier, 3), documents).Loss,
            trainer.Evaluate(new SequenceClassificationTask(classifier, new CrossEntropyLoss(3), new SegmentLoss(Weight, SegmentLength)), documents).Loss);
    }

    [Fact]
    public void WeightOutOfRange_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SegmentLoss(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SegmentLoss(0.5, 0));
    }

    private static Tensor? ClassWeights(ClassWeighting weighting) =>
        weighting == ClassWeighting.None ? null : tensor(new[] { 6 / 9f, 1f, 2f }, dtype: ScalarType.Float64);

    private static MahaSequenceClassifier Classifier()
    {
        using var random = new RandomStateScope(5);
        return new MahaSequenceClassifier(
            new MahaTransformerOptions { VocabSize = 40, DModel = 8, NumHeads = 2, NumLayers = 1, MaxSequenceLength = 16, Dropout = 0 }, 3).to(ScalarType.Float64);
    }

    private static WindowedClassifier WindowedClassifier(int chunkLength, int windowLength)
    {
        using var random = new RandomStateScope(6);
        var encoder = new MahaTransformerOptions { VocabSize = s_tokenizer.VocabSize, DModel = 8, NumHeads = 2, NumLayers = 1, MaxSequenceLength = 16, Dropout = 0 };
        return new WindowedClassifier(encoder with { Attention = new FullOptions(), Pooling = PoolingKind.MeanMax }, new WindowedEncoderOptions
        {
            WindowLength = windowLength,
            ChunkLength = chunkLength,
            MaxDocumentTokens = 100,
            ClsTokenId = s_tokenizer.ClsTokenId,
            SepTokenId = s_tokenizer.SepTokenId,
        }, 3).to(ScalarType.Float64);
    }

    private static TokenizedDataset Documents() => TokenizedDataset.FromTokenIds(
        s_lengths.Select((length, i) => (Enumerable.Range(i + 5, length).ToArray(), s_labels[i])));
}
