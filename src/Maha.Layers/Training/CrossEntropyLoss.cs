using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, C classes, v weights of documents, w weights of classes

/// <summary>
/// The loss of documents of one class each: sum_i v_i l_i / sum_i v_i w_yi, where l_i is the cross-entropy with label smoothing and class weights.
/// </summary>
internal sealed class CrossEntropyLoss : DocumentLoss
{
    private double _labelSmoothing;
    private float[]? _classWeights;

    /// <summary>Creates the loss.</summary>
    /// <param name="numClasses">C, at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="numClasses"/> is below 2.</exception>
    public CrossEntropyLoss(int numClasses)
    {
        TensorChecks.InRange(numClasses, 2, 1 << 24, nameof(numClasses), "A classifier distinguishes at least two classes.");
        NumOutputs = numClasses;
    }

    /// <inheritdoc/>
    public override int NumOutputs { get; }

    /// <inheritdoc/>
    public override bool Reports(ValidationMetric metric) => true;

    /// <inheritdoc/>
    public override PriorBaseline Begin(
        TrainingOptions options, ITokenizedDocuments trainingDocuments, string trainingName, ITokenizedDocuments? validationDocuments, string validationName)
    {
        double[] counts = CountLabels(trainingDocuments, trainingName);
        double[]? validationCounts = validationDocuments is null ? null : CountLabels(validationDocuments, validationName);
        _labelSmoothing = options.LabelSmoothing;
        _classWeights = options.ClassWeighting == ClassWeighting.Balanced ? ClassWeights.Balanced(counts)
            : options.ClassWeights is { } given ? [.. given.Select(weight => (float)weight)] : null;
        return PriorBaseline.Create(counts, _classWeights, _labelSmoothing, validationCounts);
    }

    /// <inheritdoc/>
    public override TaskLoss Compute(Tensor logits, TokenBatch batch)
    {
        var classWeights = TensorOfClassWeights(logits);
        if (batch.Weights is not { } weights)
        {
            var mean = nn.functional.cross_entropy(logits, batch.Labels!, weight: classWeights, label_smoothing: _labelSmoothing);
            return new TaskLoss(mean, _classWeights is null ? batch.Rows.Count : batch.LabelValues!.Sum(label => (double)_classWeights[label]));
        }
        using var scope = NewDisposeScope();
        double count = batch.LabelValues!.Select((label, b) => weights[b] * (double)(_classWeights?[label] ?? 1)).Sum();
        var losses = nn.functional.cross_entropy(
            logits, batch.Labels!, weight: classWeights, reduction: nn.Reduction.None, label_smoothing: _labelSmoothing); // [B]
        var factors = HostTensors.Create(weights.Select(weight => weight / count).ToArray(), [weights.Count], logits.dtype, logits.device);
        return new TaskLoss((losses * factors).sum().MoveToOuterDisposeScope(), count);
    }

    /// <inheritdoc/>
    public override IDocumentMetrics BeginMetrics() => new Metrics(NumOutputs);

    /// <inheritdoc/>
    protected override Tensor LossesOfSegments(Tensor logits, int segments, TokenBatch batch) => nn.functional.cross_entropy(
        logits, batch.Labels!.repeat_interleave(segments), weight: TensorOfClassWeights(logits), reduction: nn.Reduction.None,
        label_smoothing: _labelSmoothing);

    private Tensor? TensorOfClassWeights(Tensor logits) =>
        _classWeights is null ? null : HostTensors.Create(_classWeights, [_classWeights.Length], logits.dtype, logits.device); // [C]

    // The weight of the documents of each class.
    private double[] CountLabels(ITokenizedDocuments documents, string name)
    {
        if (!documents.HasLabels)
            throw new ArgumentException($"{name} must have labels for classification, but has none. Build the data set from pairs of text and label.", name);
        double[] counts = new double[NumOutputs];
        for (int i = 0; i < documents.Count; i++)
        {
            int label = documents.LabelOf(i);
            if ((uint)label >= (uint)NumOutputs)
            {
                throw new ArgumentException(
                    $"The labels of {name} must lie in [0, {NumOutputs}), but document {i} has {label}. " +
                    "Build the model with more classes, or number the classes from 0.", name);
            }
            counts[label] += documents.WeightOf(i);
        }
        return counts;
    }

    private sealed class Metrics(int numClasses) : IDocumentMetrics
    {
        private readonly ClassificationCounts _counts = new(numClasses);

        public void Add(Tensor logits, TokenBatch batch)
        {
            var logProbabilities = nn.functional.log_softmax(logits.to(ScalarType.Float64), 1); // [B, C]
            var labelProbabilities = logProbabilities.gather(1, batch.Labels!.unsqueeze(1)).squeeze(1).cpu(); // [B]
            var predictions = logProbabilities.argmax(1).cpu(); // [B]
            double[] values = labelProbabilities.data<double>().ToArray();
            long[] predicted = predictions.data<long>().ToArray();
            for (int b = 0; b < values.Length; b++)
                _counts.Add(batch.LabelValues![b], (int)predicted[b], values[b], batch.Weights?[b] ?? 1);
        }

        public ValidationMetrics Complete(IReadOnlyList<float[]> logits, IReadOnlyList<LayerDiagnostics>? layers) => new()
        {
            Loss = _counts.LogLoss,
            Accuracy = _counts.Accuracy,
            MacroF1 = _counts.MacroF1,
            Count = _counts.Count,
            Logits = logits,
            Layers = layers,
        };
    }
}
