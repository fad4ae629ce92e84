using System.Runtime.InteropServices;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, N length, C classes

/// <summary>Trains a model to classify documents.</summary>
/// <remarks>
/// The loss is the cross-entropy of the logits [B, C], with label smoothing, class weights and document weights, plus the auxiliary loss of the model.
/// Validation reports log loss, accuracy and macro F1 over all documents.
/// </remarks>
public sealed class SequenceClassificationTask : ITrainingTask, IPriorTask
{
    private readonly Func<TokenBatch, (Tensor Logits, Tensor? AuxiliaryLoss)> _forward;
    private readonly MahaSequenceClassifier? _inspectable;
    private readonly DocumentLoss _loss;
    private readonly double _segmentWeight;
    private readonly Func<TokenBatch, SegmentedResult?>? _segmented;
    private PriorBaseline? _prior;

    /// <summary>Creates a task for a classifier of documents.</summary>
    /// <param name="classifier">
    /// The module to train. Its inputs are token ids [B, N] and a padding mask [B, N] (true = ignore) or null; it returns logits [B, C].
    /// </param>
    /// <param name="numClasses">The number of classes C, at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="numClasses"/> is below 2.</exception>
    public SequenceClassificationTask(nn.Module<Tensor, Tensor?, ModelResult> classifier, int numClasses)
        : this(classifier, new CrossEntropyLoss(numClasses), batch => Classify(classifier, batch))
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
        : this(module, new CrossEntropyLoss(numClasses), batch => forward(batch.TokenIds, batch.KeyPaddingMask))
    {
        ArgumentNullException.ThrowIfNull(forward);
    }

    /// <summary>Creates a task for a module that reads more of a batch than its ids, such as states that were computed before.</summary>
    /// <param name="module">The module to train.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="forward">Calls the module.</param>
    /// <param name="segmentWeight">The weight of the segments in the loss.</param>
    /// <param name="segmented">Calls the module for documents and segments; returns null for a batch without segments. Null: there are no segments.</param>
    internal SequenceClassificationTask(
        nn.Module module, DocumentLoss loss, Func<TokenBatch, (Tensor Logits, Tensor? AuxiliaryLoss)> forward, double segmentWeight = 0,
        Func<TokenBatch, SegmentedResult?>? segmented = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        Module = module;
        _forward = forward;
        _loss = loss;
        _segmentWeight = segmentWeight;
        _segmented = segmented;
    }

    /// <summary>Creates a task for a classifier of documents that also learns from the segments of long documents.</summary>
    internal SequenceClassificationTask(MahaSequenceClassifier classifier, DocumentLoss loss, SegmentLoss? segmentLoss)
        : this(classifier, loss, batch => Classify(classifier, batch))
    {
        _inspectable = classifier;
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
    public bool Reports(ValidationMetric metric) => _loss.Reports(metric);

    /// <inheritdoc/>
    public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(trainingDocuments);
        _prior = _loss.Begin(options, trainingDocuments, nameof(trainingDocuments), validationDocuments, nameof(validationDocuments));
    }

    /// <inheritdoc/>
    public TaskLoss Loss(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (_segmented?.Invoke(batch) is { } segmented)
            return LossWithSegments(batch, segmented);
        var (computed, auxiliaryLoss) = Classify(batch);
        var (loss, count) = _loss.Compute(LossPrecision.AtLeastFloat32(computed), batch);
        return new TaskLoss(auxiliaryLoss is null ? loss : loss + auxiliaryLoss, count);
    }

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => new ValidationPass(this);

    private static (Tensor Logits, Tensor? AuxiliaryLoss) Classify(nn.Module<Tensor, Tensor?, ModelResult> classifier, TokenBatch batch)
    {
        using var facts = batch.StateFacts();
        var result = classifier.call(batch.TokenIds, batch.KeyPaddingMask);
        return (result.Logits, result.AuxiliaryLoss);
    }

    private TaskLoss LossWithSegments(TokenBatch batch, SegmentedResult result)
    {
        var (mean, count) = _loss.Compute(LossPrecision.AtLeastFloat32(RequireShape(result.Logits, batch)), batch);
        var segments = _loss.SumOfSegments(LossPrecision.AtLeastFloat32(result.SegmentLogits), result.Shares, batch) / count;
        var loss = ((1 - _segmentWeight) * mean) + (_segmentWeight * segments);
        return new TaskLoss(result.AuxiliaryLoss is null ? loss : loss + result.AuxiliaryLoss, count);
    }

    private (Tensor Logits, Tensor? AuxiliaryLoss) Classify(TokenBatch batch)
    {
        var (logits, auxiliaryLoss) = _forward(batch);
        return (RequireShape(logits, batch), auxiliaryLoss);
    }

    private Tensor RequireShape(Tensor logits, TokenBatch batch)
    {
        long[] shape = logits.shape;
        if (!shape.AsSpan().SequenceEqual([batch.Rows.Count, _loss.NumOutputs]))
        {
            throw new InvalidOperationException(
                $"The module must return logits of the shape [{batch.Rows.Count}, {_loss.NumOutputs}] (documents, classes), but they have " +
                $"{TensorChecks.Show(shape)}. Build it with {_loss.NumOutputs} classes.");
        }
        return logits;
    }

    private sealed class ValidationPass(SequenceClassificationTask task) : ISharedValidationPass
    {
        private readonly IDocumentMetrics _metrics = task._loss.BeginMetrics();
        private readonly List<(int Row, float[] Logits)> _logits = [];
        private readonly DiagnosticsSums _layers = new();

        public void Add(TokenBatch batch) => Add(batch, Classify(batch));

        // In float64, which has every value of the other types.
        public byte[] Compute(TokenBatch batch) => Classify(batch).to(ScalarType.Float64).cpu().bytes.ToArray();

        public void Add(TokenBatch batch, byte[] computed) =>
            Add(batch, tensor(MemoryMarshal.Cast<byte, double>(computed).ToArray(), [batch.Rows.Count, task._loss.NumOutputs], device: batch.TokenIds.device));

        private void Add(TokenBatch batch, Tensor logits)
        {
            float[] batchLogits = logits.to(ScalarType.Float32).cpu().data<float>().ToArray();
            int outputs = task._loss.NumOutputs;
            for (int b = 0; b < batch.Rows.Count; b++)
                _logits.Add((batch.Rows[b], batchLogits[(b * outputs)..((b + 1) * outputs)]));
            _metrics.Add(logits, batch);
        }

        public ValidationMetrics Complete() => _metrics.Complete(
            [.. _logits.OrderBy(pair => pair.Row).Select(pair => pair.Logits)], task._inspectable is null ? null : _layers.Complete());

        private Tensor Classify(TokenBatch batch)
        {
            if (task._inspectable is null)
                return task.Classify(batch).Logits;
            using var facts = batch.StateFacts();
            var result = task._inspectable.Inspect(batch.TokenIds, batch.KeyPaddingMask);
            _layers.Add(result.Encoding, batch.KeyPaddingMask);
            return task.RequireShape(result.Logits, batch);
        }
    }
}
