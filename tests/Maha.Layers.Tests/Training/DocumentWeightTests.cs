using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>The laws of document weights in the training of a network.</summary>
[Collection(AloneCollection.Name)]
public class DocumentWeightTests
{
    private static readonly int[] s_lengths = [4, 11, 8, 1, 6];
    private static readonly int[] s_labels = [0, 1, 2, 1, 0];
    private static readonly float[] s_weights = [1, 3, 1, 2, 1];

    // The documents, each as often as its weight says.
    private static readonly int[] s_repeated = [.. s_weights.SelectMany((weight, row) => Enumerable.Repeat(row, (int)weight))];

    public static TheoryData<ClassWeighting, double[]?, double, double> Losses => new()
    {
        { ClassWeighting.None, null, 0, 0 },
        { ClassWeighting.None, null, 0.2, 0.3 },
        { ClassWeighting.Balanced, null, 0.2, 0.3 },
        { ClassWeighting.None, [0.5, 2, 3], 0.1, 0.3 },
    };

    [Theory]
    [MemberData(nameof(Losses))]
    public void ADocumentOfWeightTwo_HasLossAndGradientOfTheDocumentTwice(
        ClassWeighting weighting, double[]? classWeights, double labelSmoothing, double segmentWeight)
    {
        var options = new TrainingOptions { ClassWeighting = weighting, ClassWeights = classWeights, LabelSmoothing = labelSmoothing };
        var weighted = LossOf([.. Enumerable.Range(0, s_lengths.Length)], s_weights, options, segmentWeight);
        var twice = LossOf(s_repeated, null, options, segmentWeight);
        Assert.Equal(twice.Loss, weighted.Loss, 1e-12);
        Assert.Equal(twice.Count, weighted.Count, 1e-6); // balanced weights are float32
        Assert.All(twice.Gradient.Zip(weighted.Gradient), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Contains(weighted.Gradient, value => Math.Abs(value) > 1e-3);
        // Weights count at all.
        Assert.NotEqual(LossOf([.. Enumerable.Range(0, s_lengths.Length)], null, options, segmentWeight).Loss, weighted.Loss, 1e-3);
    }

    [Fact]
    public void ACommonFactorOfAllWeights_ChangesNothing()
    {
        int[] rows = [.. Enumerable.Range(0, s_lengths.Length)];
        float[] Scaled(float factor) => DocumentWeights.Normalize([.. s_weights.Select(weight => factor * weight)])!;
        var expected = LossOf(rows, Scaled(1), new TrainingOptions(), 0);
        foreach (float factor in new[] { 0.25f, 3, 1e10f })
        {
            var loss = LossOf(rows, Scaled(factor), new TrainingOptions(), 0);
            Assert.Equal((expected.Loss, expected.Count), (loss.Loss, loss.Count));
            Assert.Equal(expected.Gradient, loss.Gradient);
        }
    }

    [Fact]
    public void Metrics_AreThoseOfTheDocumentsTwice()
    {
        using var classifier = Toys.Classifier(type: ScalarType.Float64);
        using var weighted = Documents([.. Enumerable.Range(0, s_lengths.Length)], s_weights);
        using var twice = Documents(s_repeated, null);
        var trainer = new Trainer(new TrainingOptions { TokensPerBatch = 13 });
        var metrics = trainer.Evaluate(Toys.TaskOf(classifier), weighted);
        var expected = trainer.Evaluate(Toys.TaskOf(classifier), twice);
        Assert.Equal(expected.Loss, metrics.Loss, 1e-12);
        Assert.Equal(expected.Accuracy!.Value, metrics.Accuracy!.Value, 1e-12);
        Assert.Equal(expected.MacroF1!.Value, metrics.MacroF1!.Value, 1e-12);
        Assert.Equal(s_lengths.Length, metrics.Count);
    }

    [Fact]
    public void ThePrior_IsThatOfTheDocumentsTwice()
    {
        PriorBaseline Prior(int[] rows, float[]? weights)
        {
            using var classifier = Toys.Classifier();
            using var documents = Documents(rows, weights);
            var task = Toys.TaskOf(classifier);
            task.Begin(new TrainingOptions { ClassWeighting = ClassWeighting.Balanced }, documents, documents);
            return ((IPriorTask)task).Prior!;
        }
        Assert.Equal(Prior(s_repeated, null), Prior([.. Enumerable.Range(0, s_lengths.Length)], s_weights));
    }

    [Fact]
    public void PartsOfACollection_KeepTheWeights()
    {
        using var documents = Documents([.. Enumerable.Range(0, s_lengths.Length)], s_weights);
        var (training, validation) = DocumentSubset.Split(documents, 0.4, seed: 1);
        foreach (var part in new[] { training, validation! })
        {
            Assert.Equal(part.Rows.Select(row => s_weights[row]), part.WeightsOf());
            var windows = new WindowedDocuments(part, new TokenWindows(SmallWordPiece.Create(), 8), 2, fixedSeed: 1);
            Assert.Equal(part.WeightsOf(), windows.WeightsOf());
            using var batch = TokenBatch.Create(windows, [0]);
            Assert.Equal([s_weights[part.Rows[0]]], batch.Weights);
        }
        documents.Weights = null;
        Assert.Null(training.WeightsOf());
    }

    [Fact]
    public void NormalizedWeights_AreRelativeToTheirMedian()
    {
        Assert.Null(DocumentWeights.Normalize([]));
        Assert.Null(DocumentWeights.Normalize([3, 3, 3]));
        Assert.Equal([1, 2, 1], DocumentWeights.Normalize([1, 2, 1])!);
        Assert.Equal([0.5f, 2, 1], DocumentWeights.Normalize([2, 8, 4])!);
        // Of an even number the lower one of the two in the middle, which is a weight.
        Assert.Equal([1, 3], DocumentWeights.Normalize([2, 6])!);
        Assert.All(DocumentWeights.Normalize([1, 1, float.Epsilon])!, weight => Assert.True(weight > 0));
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => DocumentWeights.Normalize([1, 1, 1e10f]));
        Assert.Contains("must be at most 1000000000 times their median, which is 1, but one is 1E+10", e.Message, StringComparison.Ordinal);
    }

    private static (double Loss, double Count, double[] Gradient) LossOf(int[] rows, float[]? weights, TrainingOptions options, double segmentWeight)
    {
        using var scope = NewDisposeScope();
        using var classifier = Classifier();
        using var documents = Documents(rows, weights);
        var task = new SequenceClassificationTask(
            classifier, new CrossEntropyLoss(3), segmentWeight > 0 ? new SegmentLoss(segmentWeight, segmentLength: 4) : null);
        task.Begin(options, documents, null);
        var loss = task.Loss(TokenBatch.Create(documents, [.. Enumerable.Range(0, rows.Length)]));
        loss.Mean.backward();
        return (loss.Mean.item<double>(), loss.Count, [.. classifier.parameters().SelectMany(parameter => TestTensors.ToArray(parameter.grad!))]);
    }

    private static MahaSequenceClassifier Classifier()
    {
        using var random = new RandomStateScope(5);
        return new MahaSequenceClassifier(
            new MahaTransformerOptions
            {
                VocabSize = 40,
                DModel = 8,
                NumHeads = 2,
                NumLayers = 1,
                MaxSequenceLength = 16,
                Dropout = 0,
                Attention = new HsaOptions(),
            }, 3).to(ScalarType.Float64);
    }

    private static TokenizedDataset Documents(int[] rows, float[]? weights)
    {
        var documents = TokenizedDataset.FromTokenIds(
            rows.Select(row => (Enumerable.Range(0, s_lengths[row]).Select(i => (row + (3 * i)) % Toys.VocabSize).ToArray(), s_labels[row])));
        documents.Weights = weights;
        return documents;
    }
}
