using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>The loss of documents with several labels each. The weights of two networks must be drawn alike.</summary>
[Collection(AloneCollection.Name)]
public class LabelSetLossTests
{
    private const int NumLabels = 4;

    private static readonly int[][] s_sets = [[0, 2], [], [3], [0, 1, 2, 3], [2]];
    private static readonly int[] s_lengths = [4, 11, 0, 6, 9];

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    public void Loss_IsTheNegativeLogLikelihoodOfTheLabels(double segmentWeight)
    {
        using var scope = NewDisposeScope();
        using var classifier = Classifier();
        using var documents = Documents([.. Enumerable.Range(0, s_sets.Length)], null);
        var task = Task(classifier, segmentWeight);
        task.Begin(new TrainingOptions(), documents, documents);
        double sum = 0;
        for (int i = 0; i < s_sets.Length; i++)
        {
            var batch = TokenBatch.Create(documents, [i]);
            double whole = NegativeLogLikelihood(classifier.call(batch.TokenIds, batch.KeyPaddingMask).Logits, s_sets[i]), segments = 0;
            using var encoding = classifier.Encoder.Encode(batch.TokenIds, null);
            for (int start = 0; start < Math.Max(1, s_lengths[i]); start += 4)
            {
                int length = Math.Min(4, Math.Max(1, s_lengths[i]) - start);
                var logits = classifier.ClassifySegments(encoding.Features.narrow(1, start, length), batch.KeyPaddingMask, 4).squeeze(1);
                segments += NegativeLogLikelihood(logits, s_sets[i]) * (s_lengths[i] == 0 ? 1 : length / (double)s_lengths[i]);
            }
            sum += ((1 - segmentWeight) * whole) + (segmentWeight * segments);
        }
        var loss = task.Loss(TokenBatch.Create(documents, [.. Enumerable.Range(0, s_sets.Length)]));
        Assert.Equal(s_sets.Length, loss.Count);
        Assert.Equal(sum / s_sets.Length, loss.Mean.item<double>(), 1e-9);
        if (segmentWeight == 0)
            Assert.Equal(sum / s_sets.Length, new Trainer().Evaluate(task, documents).Loss, 1e-9);
    }

    [Fact]
    public void ADocumentOfWeightTwo_HasLossAndGradientOfTheDocumentTwice()
    {
        float[] weights = [2, 1, 3, 1, 1];
        int[] repeated = [.. weights.SelectMany((weight, row) => Enumerable.Repeat(row, (int)weight))];
        var weighted = LossOf([.. Enumerable.Range(0, s_sets.Length)], weights);
        var twice = LossOf(repeated, null);
        Assert.Equal(twice.Loss, weighted.Loss, 1e-12);
        Assert.Equal(twice.Count, weighted.Count);
        Assert.All(twice.Gradient.Zip(weighted.Gradient), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.NotEqual(LossOf([.. Enumerable.Range(0, s_sets.Length)], null).Loss, weighted.Loss, 1e-3);
    }

    [Fact]
    public void Validation_CountsADocumentOfWeightTwoTwice()
    {
        float[] weights = [2, 1, 3, 1, 1];
        int[] rows = [.. Enumerable.Range(0, s_sets.Length)];
        using var classifier = Classifier();
        double LossOf(int[] of, float[]? weighted)
        {
            using var documents = Documents(of, weighted);
            return new Trainer().Evaluate(Task(classifier, 0), documents).Loss;
        }
        Assert.Equal(LossOf([.. rows.SelectMany(row => Enumerable.Repeat(row, (int)weights[row]))], null), LossOf(rows, weights), 1e-9);
        Assert.NotEqual(LossOf(rows, null), LossOf(rows, weights), 1e-3);
    }

    [Fact]
    public void FirstLogits_PredictThePrior_WhoseLossIsTheBaseline()
    {
        using var scope = NewDisposeScope();
        using var documents = Documents([.. Enumerable.Range(0, s_sets.Length)], [1, 2, 1, 1, 2]);
        var loss = new LabelSetLoss(NumLabels);
        var prior = loss.Begin(new TrainingOptions(), documents, "training", documents, "validation");
        float[] logits = loss.FirstLogits(documents)!;
        // Of the weight 7 in all, label 2 has 1 + 1 + 2 = 4, and half a document with and half a document without each label is added.
        Assert.Equal(Math.Log(4.5 / 3.5), logits[2], 1e-6);
        var batch = TokenBatch.Create(documents, [.. Enumerable.Range(0, s_sets.Length)]);
        var same = tensor(logits, dtype: ScalarType.Float64).expand(s_sets.Length, NumLabels);
        double reached = loss.Compute(same, batch).Mean.item<double>();
        Assert.Equal(prior.TrainingLoss, prior.ValidationLoss, 1e-12);
        Assert.Equal(prior.TrainingLoss, reached, 1e-6);
        Assert.False(prior.IsBeatenBy(new ValidationMetrics { Loss = prior.ValidationLoss, Count = 5 }));
        Assert.True(prior.IsBeatenBy(new ValidationMetrics { Loss = 0.9 * prior.ValidationLoss, Count = 5 }));
    }

    [Fact]
    public void OtherMetrics_AreNotReported()
    {
        var loss = new LabelSetLoss(2);
        Assert.True(loss.Reports(ValidationMetric.Loss));
        Assert.False(loss.Reports(ValidationMetric.Accuracy) || loss.Reports(ValidationMetric.MacroF1));
    }

    [Fact]
    public void Strata_AreTheRarestLabels_SoThatPartsHaveThem()
    {
        int[] rows = [.. Enumerable.Range(0, 60)];
        using var documents = TokenizedDataset.FromTokenIds(rows.Select(row => (new[] { 1 }, 0)));
        documents.LabelSets = [.. rows.Select(row => row % 10 == 0 ? new[] { 0, 2 } : row % 2 == 0 ? [0] : Array.Empty<int>())];
        Assert.Equal(rows.Select(row => row % 10 == 0 ? 2 : row % 2 == 0 ? 0 : -1), documents.StrataOf());
        var (training, validation) = DocumentSubset.Split(documents, 0.5, seed: 1);
        Assert.Equal(3, validation!.Rows.Count(row => row % 10 == 0));
        Assert.Equal(validation.Rows.Select(row => documents.LabelSets[row]), validation.LabelSetsOf());
        Assert.Equal(60, training.Count + validation.Count);
    }

    private static double NegativeLogLikelihood(Tensor logits, int[] set) =>
        TestTensors.ToArray(logits).Select((z, l) => Math.Log(1 + Math.Exp(set.Contains(l) ? -z : z))).Sum();

    private static (double Loss, double Count, double[] Gradient) LossOf(int[] rows, float[]? weights)
    {
        using var scope = NewDisposeScope();
        using var classifier = Classifier();
        using var documents = Documents(rows, weights);
        var task = Task(classifier, 0.3);
        task.Begin(new TrainingOptions(), documents, null);
        var loss = task.Loss(TokenBatch.Create(documents, [.. Enumerable.Range(0, rows.Length)]));
        loss.Mean.backward();
        return (loss.Mean.item<double>(), loss.Count, [.. classifier.parameters().SelectMany(parameter => TestTensors.ToArray(parameter.grad!))]);
    }

    private static SequenceClassificationTask Task(MahaSequenceClassifier classifier, double segmentWeight) =>
        new(classifier, new LabelSetLoss(NumLabels), segmentWeight > 0 ? new SegmentLoss(segmentWeight, segmentLength: 4) : null);

    private static MahaSequenceClassifier Classifier()
    {
        using var random = new RandomStateScope(5);
        var options = new MahaTransformerOptions
        {
            VocabSize = 40,
            DModel = 8,
            NumHeads = 2,
            NumLayers = 1,
            MaxSequenceLength = 16,
            Dropout = 0,
            Attention = new Maha.Layers.Attention.HsaOptions(),
        };
        return new MahaSequenceClassifier(options, NumLabels).to(ScalarType.Float64);
    }

    private static TokenizedDataset Documents(int[] rows, float[]? weights)
    {
        var documents = TokenizedDataset.FromTokenIds(
            rows.Select(row => (Enumerable.Range(0, s_lengths[row]).Select(i => (row + (3 * i)) % 40).ToArray(), 0)));
        (documents.Weights, documents.LabelSets) = (weights, [.. rows.Select(row => s_sets[row])]);
        return documents;
    }
}
