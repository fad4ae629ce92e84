using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Trains a <see cref="WindowedClassifier"/>: the loss of a classifier of documents, the encoder at a tenth of the learning rate of the rest.</summary>
internal sealed class WindowedClassificationTask : ITrainingTask, ILearningRateFactors
{
    private const double EncoderFactor = 0.1;

    private readonly SequenceClassificationTask _task;

    /// <summary>Creates the task.</summary>
    /// <param name="classifier">The classifier.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="states">Returns the states of the frozen layers for a collection of documents; null if no layer is frozen.</param>
    public WindowedClassificationTask(WindowedClassifier classifier, int numClasses, Func<ITokenizedDocuments, WindowStates>? states)
    {
        _task = new SequenceClassificationTask(classifier, numClasses, batch =>
        {
            var result = states is null ? classifier.call(batch.TokenIds, batch.KeyPaddingMask) : FromStates(states(batch.Documents), batch);
            return (result.Logits, result.AuxiliaryLoss);
        });

        ModelResult FromStates(WindowStates computed, TokenBatch batch) =>
            classifier.ClassifyFrom(batch.TokenIds, batch.KeyPaddingMask, computed.Layer, lengths => computed.Read(batch.Rows, lengths));
    }

    /// <inheritdoc/>
    public nn.Module Module => _task.Module;

    /// <inheritdoc/>
    public double FactorOf(string parameterName) =>
        parameterName.StartsWith(WindowedClassifier.EncoderPrefix, StringComparison.Ordinal) ? EncoderFactor : 1;

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
