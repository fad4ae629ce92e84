using Maha.Layers.Data;

namespace Maha.Layers.Training;

/// <summary>Gathers the metrics of a set of documents, batch after batch: of all of them, not of the last batch.</summary>
public interface IValidationPass
{
    /// <summary>Adds a batch. The module is in evaluation mode, gradients are off, a dispose scope is open.</summary>
    void Add(TokenBatch batch);

    /// <summary>The metrics of all batches that were added.</summary>
    ValidationMetrics Complete();
}
