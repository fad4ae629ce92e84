using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Trains a <see cref="WindowedClassifier"/>: the loss of a classifier of documents, the encoder at a share of the learning rate of the rest.</summary>
internal sealed class WindowedClassificationTask : ITrainingTask, ILearningRateFactors, IPriorTask
{
    // What is pretrained needs smaller steps than what starts from random weights.
    private const double DefaultEncoderFactor = 0.1;

    private readonly double _encoderFactor;
    private readonly SequenceClassificationTask _task;

    /// <summary>Creates the task.</summary>
    /// <param name="classifier">The classifier.</param>
    /// <param name="loss">The loss of documents.</param>
    /// <param name="states">Returns the states of the frozen layers for a collection of documents; null if no layer is frozen.</param>
    /// <param name="encoderFactor">The learning rate of the encoder as a share of that of the rest.</param>
    /// <param name="segmentLoss">The loss of the segments of long documents; null for none.</param>
    public WindowedClassificationTask(
        WindowedClassifier classifier, DocumentLoss loss, Func<ITokenizedDocuments, WindowStates>? states, double encoderFactor = DefaultEncoderFactor,
        SegmentLoss? segmentLoss = null)
    {
        _encoderFactor = encoderFactor;
        _task = new SequenceClassificationTask(
            classifier, loss,
            batch =>
            {
                using var scope = NewDisposeScope();
                var result = classifier.Classify(Read(batch)).MoveToOuterDisposeScope();
                return (result.Logits, result.AuxiliaryLoss);
            },
            segmentLoss?.Weight ?? 0,
            segmentLoss is null ? null : batch => batch.TokenIds.shape[1] > segmentLoss.SegmentLength ? segmentLoss.Classify(classifier, Read(batch)) : null);

        EncodedStates Read(TokenBatch batch)
        {
            using var facts = batch.StateFacts();
            if (states is null)
                return classifier.Read(batch.TokenIds, batch.KeyPaddingMask);
            var computed = states(batch.Documents);
            return classifier.Reader.ReadFrom(batch.TokenIds, batch.KeyPaddingMask, computed.Layer, lengths => computed.Read(batch.Rows, lengths));
        }
    }

    /// <inheritdoc/>
    public nn.Module Module => _task.Module;

    /// <inheritdoc/>
    public PriorBaseline? Prior => ((IPriorTask)_task).Prior;

    /// <inheritdoc/>
    public double FactorOf(string parameterName) =>
        parameterName.StartsWith(WindowedClassifier.EncoderPrefix, StringComparison.Ordinal) ? _encoderFactor : 1;

    /// <inheritdoc/>
    public bool Reports(ValidationMetric metric) => _task.Reports(metric);

    /// <inheritdoc/>
    public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments) =>
        _task.Begin(options, trainingDocuments, validationDocuments);

    /// <inheritdoc/>
    public TaskLoss Loss(TokenBatch batch) => _task.Loss(batch);

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => _task.BeginValidation();
}
