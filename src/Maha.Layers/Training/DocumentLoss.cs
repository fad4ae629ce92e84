using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, S segments, C outputs

/// <summary>The loss of documents under the C logits of a network, and the metrics of its validation.</summary>
internal abstract class DocumentLoss
{
    /// <summary>C, the number of logits of a document.</summary>
    public abstract int NumOutputs { get; }

    /// <summary>Returns whether validation reports a metric.</summary>
    public abstract bool Reports(ValidationMetric metric);

    /// <summary>Prepares a training, as <see cref="ITrainingTask.Begin"/>.</summary>
    /// <returns>The metrics of the prior.</returns>
    /// <exception cref="ArgumentException">The documents don't have the labels that the loss needs.</exception>
    public abstract PriorBaseline Begin(
        TrainingOptions options, ITokenizedDocuments trainingDocuments, string trainingName, ITokenizedDocuments? validationDocuments, string validationName);

    /// <summary>Returns the logits of the prior for the biases of a network that has not learned anything; null to leave the biases random.</summary>
    public virtual float[]? FirstLogits(ITokenizedDocuments trainingDocuments) => null;

    /// <summary>Computes the weighted mean of the losses of a batch.</summary>
    /// <param name="logits">[B, C], of at least float32.</param>
    /// <param name="batch">The documents.</param>
    public abstract TaskLoss Compute(Tensor logits, TokenBatch batch);

    /// <summary>Computes the sum over the documents of the weighted mean loss of their segments.</summary>
    /// <param name="logits">[B, S, C], of at least float32.</param>
    /// <param name="shares">[B, S], the share of the document's tokens that each segment has.</param>
    /// <param name="batch">The documents, whose labels their segments inherit.</param>
    public Tensor SumOfSegments(Tensor logits, double[] shares, TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        int segments = (int)logits.shape[1];
        double[] weights = batch.Weights is { } ofDocuments ? [.. shares.Select((share, i) => share * ofDocuments[i / segments])] : shares;
        var losses = LossesOfSegments(logits.flatten(0, 1), segments, batch);
        return (losses * HostTensors.Create(weights, [weights.Length], logits.dtype, logits.device)).sum().MoveToOuterDisposeScope();
    }

    /// <summary>Starts the metrics of a validation.</summary>
    public abstract IDocumentMetrics BeginMetrics();

    /// <summary>Computes the loss of each segment, without the weights of documents.</summary>
    /// <param name="logits">[B S, C].</param>
    /// <param name="segments">S.</param>
    /// <param name="batch">The documents.</param>
    protected abstract Tensor LossesOfSegments(Tensor logits, int segments, TokenBatch batch);
}

/// <summary>Accumulates the metrics of documents over batches.</summary>
internal interface IDocumentMetrics
{
    /// <summary>Adds a batch.</summary>
    /// <param name="logits">[B, C].</param>
    /// <param name="batch">The documents.</param>
    void Add(Tensor logits, TokenBatch batch);

    /// <summary>Returns the metrics of all batches.</summary>
    /// <param name="logits">The logits of all documents.</param>
    /// <param name="layers">Diagnostics of the layers; null where there are none.</param>
    ValidationMetrics Complete(IReadOnlyList<float[]> logits, IReadOnlyList<LayerDiagnostics>? layers);
}
