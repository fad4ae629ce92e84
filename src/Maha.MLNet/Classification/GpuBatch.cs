using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>How many tokens fit into a training batch of an encoder on a GPU.</summary>
internal static class GpuBatch
{
    /// <summary>A GPU is busy with so many tokens of a small encoder; more of them save no time.</summary>
    public const int MostTokens = 131_072;

    /// <summary>However small the memory is, a batch has at least so many.</summary>
    public const int FewestTokens = 4096;

    // The rest is for the weights, the optimizer, other programs and what the allocator can't use.
    private const double ShareOfMemory = 0.25;

    // The activations that the backward pass of a layer needs, per token and channel in bfloat16: 32,768 tokens of 6 layers with 384 channels take about 4 GB.
    private const double BytesPerChannel = 60;

    /// <summary>Returns the most tokens of a batch.</summary>
    /// <param name="memoryBytes">The memory of the GPU.</param>
    /// <param name="encoder">The encoder, all of whose layers are trained.</param>
    /// <param name="computeType">The type that the training computes in; null for float32.</param>
    public static int MaxTokens(long memoryBytes, MahaTransformerOptions encoder, ScalarType? computeType)
    {
        double bytesPerToken = BytesPerChannel * encoder.NumLayers * encoder.DModel * (computeType is null or ScalarType.Float32 ? 2 : 1);
        return (int)Math.Clamp(memoryBytes * ShareOfMemory / bytesPerToken, FewestTokens, MostTokens);
    }
}
