using Maha.Layers.Data;

namespace Maha.Layers.Training;

/// <summary>A validation that several processes divide: each computes some of the batches, and all of them add the results of all, in the same order.</summary>
internal interface ISharedValidationPass : IValidationPass
{
    /// <summary>Computes what <see cref="Add(TokenBatch, byte[])"/> needs of a batch. The module is in evaluation mode, and a dispose scope is open.</summary>
    byte[] Compute(TokenBatch batch);

    /// <summary>Adds a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="computed">The result of <see cref="Compute"/>, of this process or another.</param>
    void Add(TokenBatch batch, byte[] computed);
}
