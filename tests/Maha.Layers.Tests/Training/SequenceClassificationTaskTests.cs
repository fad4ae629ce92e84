using Maha.Layers.Data;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class SequenceClassificationTaskTests
{
    private static readonly int[] s_labels = [0, 0, 0, 2];

    [Theory]
    [InlineData(ClassWeighting.None, 0)]
    [InlineData(ClassWeighting.None, 0.2)]
    [InlineData(ClassWeighting.Balanced, 0)]
    [InlineData(ClassWeighting.Balanced, 0.2)]
    public void Loss_IsTheClosedForm(ClassWeighting weighting, double labelSmoothing)
    {
        using var scope = NewDisposeScope();
        using var classifier = Toys.Classifier(type: ScalarType.Float64);
        using var documents = Documents(s_labels);
        var task = Toys.TaskOf(classifier);
        task.Begin(new TrainingOptions { ClassWeighting = weighting, LabelSmoothing = labelSmoothing }, documents, null);
        var batch = TokenBatch.Create(documents, [0, 1, 2, 3]);

        var loss = task.Loss(batch);

        // Balanced: two classes have 3 and 1 of the 4 documents; the class without documents has the weight 1.
        double[] weights = weighting == ClassWeighting.None ? [1, 1, 1] : [(float)(4 / 6.0), 1, 2];
        double[] logits = TestTensors.ToArray(classifier.call(batch.TokenIds, batch.KeyPaddingMask));
        double sum = 0, count = 0;
        for (int b = 0; b < s_labels.Length; b++)
        {
            double[] row = logits[(b * 3)..(b * 3 + 3)];
            double logSum = Math.Log(row.Sum(Math.Exp));
            for (int c = 0; c < 3; c++)
                sum += weights[c] * (logSum - row[c]) * (labelSmoothing / 3 + (c == s_labels[b] ? 1 - labelSmoothing : 0));
            count += weights[s_labels[b]];
        }
        Assert.Equal(count, loss.Count, 1e-6);
        Assert.Equal(sum / count, loss.Mean.item<double>(), Tolerances.SameFormula);
    }

    [Fact]
    public void AuxiliaryLoss_IsAdded_ToTrainingAlone()
    {
        using var scope = NewDisposeScope();
        using var classifier = Toys.Classifier(type: ScalarType.Float64);
        using var documents = Documents(s_labels);
        var plain = Toys.TaskOf(classifier);
        var task = new SequenceClassificationTask(classifier, (ids, mask) => (classifier.call(ids, mask), tensor(0.25)), 3);
        var trainer = new Trainer(new TrainingOptions());
        task.Begin(trainer.Options, documents, null);
        var batch = TokenBatch.Create(documents, [0, 1, 2, 3]);
        Assert.Equal(plain.Loss(batch).Mean.item<double>() + 0.25, task.Loss(batch).Mean.item<double>(), Tolerances.SameFormula);
        Assert.Equal(trainer.Evaluate(plain, documents).Loss, trainer.Evaluate(task, documents).Loss);
    }

    [Fact]
    public void Validation_IsOverAllDocuments_WhateverTheBatches()
    {
        using var classifier = Toys.Classifier(type: ScalarType.Float64);
        using var documents = Toys.Documents(100);
        var counts = new ClassificationCounts(Toys.NumClasses);
        for (int i = 0; i < documents.Count; i++)
        {
            using var scope = NewDisposeScope();
            double[] logits = TestTensors.ToArray(classifier.call(TokenBatch.Create(documents, [i]).TokenIds, null));
            counts.Add(documents.LabelOf(i), Array.IndexOf(logits, logits.Max()), logits[documents.LabelOf(i)] - Math.Log(logits.Sum(Math.Exp)));
        }
        foreach (int tokensPerBatch in new[] { 1, 50, 100_000 })
        {
            var metrics = new Trainer(new TrainingOptions { TokensPerBatch = tokensPerBatch, LabelSmoothing = 0.3, ClassWeighting = ClassWeighting.Balanced })
                .Evaluate(Toys.TaskOf(classifier), documents);
            Assert.Equal(100, metrics.Count);
            Assert.Equal(counts.Accuracy, metrics.Accuracy);
            Assert.Equal(counts.MacroF1, metrics.MacroF1!.Value, Tolerances.SameFormula);
            Assert.Equal(counts.LogLoss, metrics.Loss, Tolerances.SameFormula);
        }
    }

    [Fact]
    public void UnsuitableDocuments_AreRefused()
    {
        using var classifier = Toys.Classifier();
        var task = Toys.TaskOf(classifier);
        var trainer = new Trainer();
        using var good = Documents(s_labels);
        using var unlabeled = TokenizedDataset.FromTokenIds([[1], [2]]);
        using var tooHigh = Documents([0, 1, 3]);
        using var negative = Documents([0, -1, 2]);
        using var empty = TokenizedDataset.FromTokenIds(Array.Empty<(int[], int)>());
        Assert.Contains("must have labels", Assert.Throws<ArgumentException>(() => trainer.Train(task, unlabeled)).Message, StringComparison.Ordinal);
        Assert.Contains("must lie in [0, 3), but document 2 has 3",
            Assert.Throws<ArgumentException>(() => trainer.Train(task, good, tooHigh)).Message, StringComparison.Ordinal);
        Assert.Contains("must lie in [0, 3), but document 1 has -1",
            Assert.Throws<ArgumentException>(() => trainer.Evaluate(task, negative)).Message, StringComparison.Ordinal);
        Assert.Contains("at least one document", Assert.Throws<ArgumentException>(() => trainer.Train(task, empty)).Message, StringComparison.Ordinal);
        Assert.Contains("at least one document", Assert.Throws<ArgumentException>(() => trainer.Train(task, good, empty)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LogitsOfAnotherShape_AreRefused()
    {
        using var classifier = Toys.Classifier();
        using var documents = Documents(s_labels);
        var task = new SequenceClassificationTask(classifier, (ids, mask) => (classifier.call(ids, mask), null), 4);
        var e = Assert.Throws<InvalidOperationException>(() => new Trainer().Evaluate(task, documents));
        Assert.Contains("shape [4, 4] (documents, classes), but they have [4, 3]", e.Message, StringComparison.Ordinal);
    }

    private static TokenizedDataset Documents(int[] labels) =>
        TokenizedDataset.FromTokenIds(labels.Select((label, i) => (Enumerable.Range(i + 1, i + 2).ToArray(), label)));
}
