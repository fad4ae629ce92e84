using Maha.Layers.Data;
using TorchSharp;

namespace Maha.Layers.Training;

/// <summary>The validation of a task whose only metric is the mean loss.</summary>
/// <param name="loss">Computes the loss of a batch.</param>
internal sealed class MeanLossPass(Func<TokenBatch, TaskLoss> loss) : IValidationPass
{
    private double _sum;
    private double _count;

    public void Add(TokenBatch batch)
    {
        var batchLoss = loss(batch);
        _sum += batchLoss.Mean.ToDouble() * batchLoss.Count;
        _count += batchLoss.Count;
    }

    // Without tokens or documents the loss is 0 / 0, NaN.
    public ValidationMetrics Complete() => new() { Loss = _sum / _count, Count = (long)_count };
}
