using Maha.Layers.Data;

namespace Maha.Layers.Training;

/// <summary>Accumulates the metrics of a set of documents over all of its batches.</summary>
public interface IValidationPass
{
    /// <summary>Adds a batch. The module is in evaluation mode, gradients are off, and a dispose scope is open.</summary>
    /// <param name="batch">The batch.</param>
    void Add(TokenBatch batch);

    /// <summary>Returns the metrics of all batches that were added.</summary>
    ValidationMetrics Complete();
}
