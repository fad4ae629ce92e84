using Maha.Layers.Data;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>What a model is trained to do: its loss, and how it is judged. The one loop of <see cref="Trainer"/> does the rest.</summary>
/// <remarks>
/// A task holds nothing that changes from step to step. What it draws at random it draws from <see cref="TokenBatch.Seed"/>,
/// so that trainings repeat; dropout is taken care of by the trainer.
/// </remarks>
public interface ITrainingTask
{
    /// <summary>What is trained: its parameters that require gradients.</summary>
    nn.Module Module { get; }

    /// <summary>Whether validation reports a metric. The loss always.</summary>
    bool Reports(ValidationMetric metric);

    /// <summary>
    /// Prepares: refuses documents and options that don't fit, and takes from the training documents what the loss needs. Called
    /// once a training, before the first batch.
    /// </summary>
    /// <param name="options">The options of the training, checked.</param>
    /// <param name="trainingDocuments">The documents to train on, without those set apart for validation.</param>
    /// <param name="validationDocuments">The documents to validate on; null without validation.</param>
    /// <exception cref="ArgumentException">An option or a document doesn't fit the task.</exception>
    void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments);

    /// <summary>The loss of a training batch. The module is in training mode, gradients are on, a dispose scope is open.</summary>
    TaskLoss Loss(TokenBatch batch);

    /// <summary>Starts the judgment of a set of documents.</summary>
    IValidationPass BeginValidation();
}
