using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, L labels

/// <summary>
/// The loss of documents that may have several labels: the sum over the labels of the binary cross-entropy, which is the negative log-likelihood of the labels
/// of a document if they are independent.
/// </summary>
/// <param name="numLabels">L, at least 2.</param>
internal sealed class LabelSetLoss(int numLabels) : DocumentLoss
{
    /// <inheritdoc/>
    public override int NumOutputs => numLabels;

    /// <inheritdoc/>
    public override bool Reports(ValidationMetric metric) => metric == ValidationMetric.Loss;

    /// <summary>Returns the log odds of the shares of the labels, with which a network predicts the prior before it has learned anything.</summary>
    public override float[] FirstLogits(ITokenizedDocuments trainingDocuments) => [.. LogOdds(trainingDocuments).Select(odds => (float)odds)];

    /// <inheritdoc/>
    public override PriorBaseline Begin(
        TrainingOptions options, ITokenizedDocuments trainingDocuments, string trainingName, ITokenizedDocuments? validationDocuments, string validationName)
    {
        double[] prior = [.. LogOdds(trainingDocuments).Select(odds => 1 / (1 + Math.Exp(-odds)))];
        double validation = validationDocuments is null ? double.NaN : LossOf(prior, Shares(validationDocuments));
        // No accuracy is better than that of the prior, so that the loss alone decides.
        return new PriorBaseline(LossOf(prior, Shares(trainingDocuments)), validation, ValidationAccuracy: 1);
    }

    /// <inheritdoc/>
    public override TaskLoss Compute(Tensor logits, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        var losses = Losses(logits, Targets(batch, logits)); // [B]
        if (batch.Weights is not { } weights)
            return new TaskLoss(losses.mean().MoveToOuterDisposeScope(), batch.Rows.Count);
        double count = weights.Sum(weight => (double)weight);
        var factors = HostTensors.Create(weights.Select(weight => weight / count).ToArray(), [weights.Count], logits.dtype, logits.device);
        return new TaskLoss((losses * factors).sum().MoveToOuterDisposeScope(), count);
    }

    /// <inheritdoc/>
    public override IDocumentMetrics BeginMetrics() => new Metrics();

    /// <inheritdoc/>
    protected override Tensor LossesOfSegments(Tensor logits, int segments, TokenBatch batch) =>
        Losses(logits, Targets(batch, logits).repeat_interleave(segments, 0));

    private static Tensor Losses(Tensor logits, Tensor targets) =>
        nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction: nn.Reduction.None).sum(1);

    private static Tensor Targets(TokenBatch batch, Tensor logits)
    {
        int numLabels = (int)logits.shape[1];
        float[] targets = new float[batch.Rows.Count * numLabels];
        for (int b = 0; b < batch.Rows.Count; b++)
        {
            foreach (int label in batch.Documents.LabelSetOf(batch.Rows[b])!)
                targets[(b * numLabels) + label] = 1;
        }
        return HostTensors.Create(targets, [batch.Rows.Count, numLabels], logits.dtype, logits.device); // [B, L]
    }

    // The share of the documents that have each label.
    private double[] Shares(ITokenizedDocuments documents)
    {
        var sets = SetsOf(documents);
        double[] shares = new double[numLabels];
        double all = Enumerable.Range(0, sets.Count).Sum(row => (double)documents.WeightOf(row));
        for (int row = 0; row < sets.Count; row++)
        {
            foreach (int label in sets[row])
                shares[label] += documents.WeightOf(row) / all;
        }
        return shares;
    }

    private double[] LogOdds(ITokenizedDocuments documents) => LabelSets.FromSets(SetsOf(documents)).LogOdds(numLabels, documents.WeightsOf());

    private static IReadOnlyList<int[]> SetsOf(ITokenizedDocuments documents) => documents.LabelSetsOf()
        ?? throw new ArgumentException("The documents must have label sets, but have none. Set LabelSets.", nameof(documents));

    // The loss per document of predicting shares where others are true.
    private static double LossOf(double[] predicted, double[] actual) =>
        -predicted.Zip(actual).Sum(pair => (pair.Second * Math.Log(pair.First)) + ((1 - pair.Second) * Math.Log(1 - pair.First)));

    private sealed class Metrics : IDocumentMetrics
    {
        private double _sum;
        private double _weight;
        private long _count;

        public void Add(Tensor logits, TokenBatch batch)
        {
            var precise = logits.to(ScalarType.Float64);
            double[] losses = Losses(precise, Targets(batch, precise)).cpu().data<double>().ToArray();
            for (int b = 0; b < losses.Length; b++)
            {
                double weight = batch.Weights?[b] ?? 1;
                _sum += weight * losses[b];
                _weight += weight;
                _count++;
            }
        }

        public ValidationMetrics Complete(IReadOnlyList<float[]> logits, IReadOnlyList<LayerDiagnostics>? layers) =>
            new() { Loss = _sum / _weight, Count = _count, Logits = logits, Layers = layers };
    }
}
