using System.Runtime.InteropServices;
using Maha.Layers.Data;
using TorchSharp;

namespace Maha.Layers.Training;

/// <summary>The validation of a task whose only metric is the mean loss.</summary>
/// <param name="loss">Computes the loss of a batch.</param>
internal sealed class MeanLossPass(Func<TokenBatch, TaskLoss> loss) : ISharedValidationPass
{
    private double _sum;
    private double _count;

    public void Add(TokenBatch batch) => Add(batch, Compute(batch));

    public byte[] Compute(TokenBatch batch)
    {
        var computed = loss(batch);
        return MemoryMarshal.AsBytes<double>([computed.Mean.ToDouble() * computed.Count, computed.Count]).ToArray();
    }

    public void Add(TokenBatch batch, byte[] computed)
    {
        var values = MemoryMarshal.Cast<byte, double>(computed);
        _sum += values[0];
        _count += values[1];
    }

    // Without tokens or documents the loss is 0 / 0, NaN.
    public ValidationMetrics Complete() => new() { Loss = _sum / _count, Count = (long)_count };
}
