using Maha.Layers.Data;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>A task that a model is trained for: the loss and the validation metrics. <see cref="Trainer"/> has the training loop.</summary>
/// <remarks>
/// A task has no state that changes from step to step. Random draws of a task must be seeded with <see cref="TokenBatch.Seed"/>, so that
/// a training can be repeated. The trainer seeds dropout.
/// </remarks>
public interface ITrainingTask
{
    /// <summary>The module that is trained. Its parameters that require gradients are changed.</summary>
    nn.Module Module { get; }

    /// <summary>Returns whether validation reports a metric. Every task reports the loss.</summary>
    /// <param name="metric">The metric.</param>
    bool Reports(ValidationMetric metric);

    /// <summary>
    /// Prepares a training: checks the options and the documents, and computes from the training documents what the loss needs. Called
    /// once per training, before the first batch.
    /// </summary>
    /// <param name="options">The options of the training, which are valid.</param>
    /// <param name="trainingDocuments">The documents to train on, without those for validation.</param>
    /// <param name="validationDocuments">The documents to validate on; null without validation.</param>
    /// <exception cref="ArgumentException">An option or a document does not fit the task.</exception>
    void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments);

    /// <summary>Computes the loss of a training batch. The module is in training mode, gradients are on, and a dispose scope is open.</summary>
    /// <param name="batch">The batch.</param>
    TaskLoss Loss(TokenBatch batch);

    /// <summary>Starts the validation on a set of documents.</summary>
    IValidationPass BeginValidation();
}
