using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Blocks;

/// <summary>The activation of the feed-forward layer and of convolutions.</summary>
internal static class Activation
{
    /// <summary>
    /// GELU with a gradient that may come in any layout.
    /// </summary>
    /// <remarks>
    /// libtorch 1.13 with oneDNN computes garbage and NaN, not always the same, for float32 when the gradient that comes back is not contiguous,
    /// as behind a transpose. Seen from here the tensor is one dimension long: the way back through the reshape makes a contiguous gradient of a transposed one,
    /// and copies nothing where it is contiguous already.
    /// </remarks>
    public static Tensor Gelu(Tensor input)
    {
        using var scope = NewDisposeScope();
        long[] shape = input.shape;
        return functional.gelu(input.reshape(-1)).reshape(shape).MoveToOuterDisposeScope();
    }
}
