using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, N length, C classes

/// <summary>Trains a model to classify documents.</summary>
/// <remarks>
/// The loss is the cross-entropy of the logits [B, C], with label smoothing and class weights, plus the auxiliary loss of the model.
/// Validation reports log loss, accuracy and macro F1 over all documents.
/// </remarks>
public sealed class SequenceClassificationTask : ITrainingTask, IPriorTask
{
    private readonly Func<TokenBatch, (Tensor Logits, Tensor? AuxiliaryLoss)> _forward;
    private readonly MahaSequenceClassifier? _inspectable;
    private readonly int _numClasses;
    private readonly double _segmentWeight;
    private readonly Func<TokenBatch, SegmentedResult?>? _segmented;
    private double _labelSmoothing;
    private float[]? _classWeights;
    private PriorBaseline? _prior;

    /// <summary>Creates a task for a classifier of documents.</summary>
    /// <param name="classifier">
    /// The module to train. Its inputs are token ids [B, N] and a padding mask [B, N] (true = ignore) or null; it returns logits [B, C].
    /// </param>
    /// <param name="numClasses">The number of classes C, at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="numClasses"/> is below 2.</exception>
    public SequenceClassificationTask(nn.Module<Tensor, Tensor?, ModelResult> classifier, int numClasses)
        : this(classifier, (tokenIds, keyPaddingMask) =>
        {
            var result = classifier.call(tokenIds, keyPaddingMask);
            return (result.Logits, result.AuxiliaryLoss);
        }, numClasses)
    {
        _inspectable = classifier as MahaSequenceClassifier;
    }

    /// <summary>Creates a task for a module with another signature that classifies documents.</summary>
    /// <param name="module">The module to train.</param>
    /// <param name="forward">
    /// Calls the module. The inputs are token ids [B, N] and a padding mask [B, N] (true = ignore) or null; the results are logits [B, C]
    /// and the auxiliary loss or null.
    /// </param>
    /// <param name="numClasses">The number of classes C, at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="numClasses"/> is below 2.</exception>
    public SequenceClassificationTask(nn.Module module, Func<Tensor, Tensor?, (Tensor Logits, Tensor? AuxiliaryLoss)> forward, int numClasses)
        : this(module, numClasses, batch => forward(batch.TokenIds, batch.KeyPaddingMask))
    {
        ArgumentNullException.ThrowIfNull(forward);
    }

    /// <summary>Creates a task for a module that reads more of a batch than its ids, such as states that were computed before.</summary>
    /// <param name="module">The module to train.</param>
    /// <param name="numClasses">The number of classes C, at least 2.</param>
    /// <param name="forward">Calls the module.</param>
    /// <param name="segmentWeight">The weight of the segments in the loss.</param>
    /// <param name="segmented">Calls the module for documents and segments; returns null for a batch without segments. Null: there are no segments.</param>
    internal SequenceClassificationTask(
        nn.Module module, int numClasses, Func<TokenBatch, (Tensor Logits, Tensor? AuxiliaryLoss)> forward, double segmentWeight = 0,
        Func<TokenBatch, SegmentedResult?>? segmented = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        TensorChecks.InRange(numClasses, 2, 1 << 24, nameof(numClasses), "A classifier distinguishes at least two classes.");
        Module = module;
        _forward = forward;
        _numClasses = numClasses;
        _segmentWeight = segmentWeight;
        _segmented = segmented;
    }

    /// <summary>Creates a task for a classifier of documents that also learns from the segments of long documents.</summary>
    internal SequenceClassificationTask(MahaSequenceClassifier classifier, int numClasses, SegmentLoss? segmentLoss) : this(classifier, numClasses)
    {
        if (segmentLoss is null)
            return;
        _segmentWeight = segmentLoss.Weight;
        _segmented = batch => segmentLoss.Classify(classifier, batch);
    }

    /// <inheritdoc/>
    public nn.Module Module { get; }

    /// <inheritdoc/>
    PriorBaseline? IPriorTask.Prior => _prior;

    /// <inheritdoc/>
    public bool Reports(ValidationMetric metric) => true;

    /// <inheritdoc/>
    public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(trainingDocuments);
        long[] counts = CountLabels(trainingDocuments, nameof(trainingDocuments));
        long[]? validationCounts = validationDocuments is null ? null : CountLabels(validationDocuments, nameof(validationDocuments));
        _labelSmoothing = options.LabelSmoothing;
        _classWeights = options.ClassWeighting == ClassWeighting.Balanced ? BalancedWeights(counts) : null;
        _prior = PriorBaseline.Create(counts, _classWeights, _labelSmoothing, validationCounts);
    }

    /// <inheritdoc/>
    public TaskLoss Loss(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (_segmented?.Invoke(batch) is { } segmented)
            return LossWithSegments(batch, segmented);
        var (computed, auxiliaryLoss) = Classify(batch);
        var logits = LossPrecision.AtLeastFloat32(computed);
        var (loss, count) = CrossEntropy(logits, batch);
        return new TaskLoss(auxiliaryLoss is null ? loss : loss + auxiliaryLoss, count);
    }

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => new ValidationPass(this);

    private TaskLoss LossWithSegments(TokenBatch batch, SegmentedResult result)
    {
        var (loss, count) = CrossEntropy(LossPrecision.AtLeastFloat32(RequireShape(result.Logits, batch)), batch);
        var logits = LossPrecision.AtLeastFloat32(result.SegmentLogits);
        var segments = SegmentLoss.Compute(logits, result.Shares, batch.Labels!, ClassWeights(logits), _labelSmoothing) / count;
        loss = ((1 - _segmentWeight) * loss) + (_segmentWeight * segments);
        return new TaskLoss(result.AuxiliaryLoss is null ? loss : loss + result.AuxiliaryLoss, count);
    }

    private (Tensor Loss, double Count) CrossEntropy(Tensor logits, TokenBatch batch)
    {
        var loss = nn.functional.cross_entropy(logits, batch.Labels!, weight: ClassWeights(logits), label_smoothing: _labelSmoothing);
        double count = _classWeights is null ? batch.Rows.Count : batch.LabelValues!.Sum(label => (double)_classWeights[label]);
        return (loss, count);
    }

    private Tensor? ClassWeights(Tensor logits) => _classWeights is null ? null : tensor(_classWeights, dtype: logits.dtype, device: logits.device); // [C]

    private (Tensor Logits, Tensor? AuxiliaryLoss) Classify(TokenBatch batch)
    {
        var (logits, auxiliaryLoss) = _forward(batch);
        return (RequireShape(logits, batch), auxiliaryLoss);
    }

    private Tensor RequireShape(Tensor logits, TokenBatch batch)
    {
        long[] shape = logits.shape;
        if (!shape.AsSpan().SequenceEqual([batch.Rows.Count, _numClasses]))
        {
            throw new InvalidOperationException(
                $"The module must return logits of the shape [{batch.Rows.Count}, {_numClasses}] (documents, classes), but they have " +
                $"{TensorChecks.Show(shape)}. Build it with {_numClasses} classes.");
        }
        return logits;
    }

    private long[] CountLabels(ITokenizedDocuments documents, string name)
    {
        if (!documents.HasLabels)
            throw new ArgumentException($"{name} must have labels for classification, but has none. Build the data set from pairs of text and label.", name);
        long[] counts = new long[_numClasses];
        for (int i = 0; i < documents.Count; i++)
        {
            int label = documents.LabelOf(i);
            if ((uint)label >= (uint)_numClasses)
            {
                throw new ArgumentException(
                    $"The labels of {name} must lie in [0, {_numClasses}), but document {i} has {label}. " +
                    "Build the model with more classes, or number the classes from 0.", name);
            }
            counts[label]++;
        }
        return counts;
    }

    // The weight of a class without documents has an effect on label smoothing only.
    private static float[] BalancedWeights(long[] counts)
    {
        double total = counts.Sum();
        int present = counts.Count(count => count > 0);
        return Array.ConvertAll(counts, count => count == 0 ? 1 : (float)(total / (present * (double)count)));
    }

    private sealed class ValidationPass(SequenceClassificationTask task) : IValidationPass
    {
        private readonly ClassificationCounts _counts = new(task._numClasses);
        private readonly List<(int Row, float[] Logits)> _logits = [];
        private readonly DiagnosticsSums _layers = new();

        public void Add(TokenBatch batch)
        {
            var logits = Classify(batch);
            float[] batchLogits = logits.to(ScalarType.Float32).cpu().data<float>().ToArray();
            for (int b = 0; b < batch.Rows.Count; b++)
                _logits.Add((batch.Rows[b], batchLogits[(b * task._numClasses)..((b + 1) * task._numClasses)]));
            var logProbabilities = nn.functional.log_softmax(logits.to(ScalarType.Float64), 1); // [B, C]
            var labelProbabilities = logProbabilities.gather(1, batch.Labels!.unsqueeze(1)).squeeze(1).cpu(); // [B]
            var predictions = logProbabilities.argmax(1).cpu(); // [B]
            double[] values = labelProbabilities.data<double>().ToArray();
            long[] predicted = predictions.data<long>().ToArray();
            for (int b = 0; b < values.Length; b++)
                _counts.Add(batch.LabelValues![b], (int)predicted[b], values[b]);
        }

        public ValidationMetrics Complete() => new()
        {
            Loss = _counts.LogLoss,
            Accuracy = _counts.Accuracy,
            MacroF1 = _counts.MacroF1,
            Count = _counts.Count,
            Logits = [.. _logits.OrderBy(pair => pair.Row).Select(pair => pair.Logits)],
            Layers = task._inspectable is null ? null : _layers.Complete(),
        };

        private Tensor Classify(TokenBatch batch)
        {
            if (task._inspectable is null)
                return task.Classify(batch).Logits;
            var result = task._inspectable.Inspect(batch.TokenIds, batch.KeyPaddingMask);
            _layers.Add(result.Encoding, batch.KeyPaddingMask);
            return task.RequireShape(result.Logits, batch);
        }
    }
}
