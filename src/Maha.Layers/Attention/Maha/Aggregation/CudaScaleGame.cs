using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, S scales, S' those of the batch, D width

/// <summary>
/// The games that give the weights of documents (<see cref="NashEquilibrium"/>), between the kernels. They are tiny and iterate an unknown number of times, so
/// that they are solved on the processor: each pass waits for the device once.
/// </summary>
/// <param name="batch">The settings, and after <see cref="Solve"/> the games.</param>
/// <param name="price">lambda.</param>
internal sealed class CudaScaleGame(NashBatch batch, double price)
{
    private double[] _weights = []; // [B, S']

    /// <summary>Returns the equilibrium weights [B, S] on the device of the scales, float32.</summary>
    /// <param name="gram">[B, S', S'], float64, on the processor.</param>
    /// <param name="scales">The scales.</param>
    public Tensor Solve(Tensor gram, CudaScales scales)
    {
        int used = scales.Outputs.Count;
        double[] prices = new double[scales.Batch * used];
        for (int i = 0; i < prices.Length && scales.Costs is not null; i++)
            prices[i] = price * scales.Costs[(i / used * scales.NumScales) + (i % used)];
        var weights = NashFunction.Solve(gram, tensor(prices, [scales.Batch, used]), batch); // [B, S']
        _weights = weights.data<double>().ToArray();
        var all = nn.functional.pad(weights.to(ScalarType.Float32), [0, scales.NumScales - used]); // [B, S]
        return all.to(scales.Outputs[0].device);
    }

    /// <summary>Returns the gradients of the normalized rows' products per token, [B, S', S'] on the device, from those of the weights, [B, S'].</summary>
    public Tensor Gradients(Tensor weightGradient, CudaScales scales)
    {
        using var incoming = weightGradient.cpu().to(ScalarType.Float64);
        var (gram, _) = NashFunction.Gradients(tensor(_weights, incoming.shape), incoming, batch);
        int[] tokens = scales.Hierarchy.ValidLengths[0];
        var counts = tensor([.. tokens.Select(n => Math.Max(1.0, n) * scales.Width)], [scales.Batch, 1, 1]);
        return ((gram + gram.transpose(1, 2)) / counts).to(ScalarType.Float32).contiguous().to(weightGradient.device);
    }
}
