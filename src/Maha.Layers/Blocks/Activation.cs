using Maha.Layers.Kernels;
using TorchSharp;
using TorchSharp.Modules;
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

    /// <summary>GELU of a linear layer's output. In float32 on the processor the bias is added on the way, which saves a pass over the widest tensor of a block.</summary>
    public static Tensor Gelu(Linear layer, Tensor input)
    {
        using var scope = NewDisposeScope();
        bool fused = TensorMemory.Reachable(input) && input.dtype == ScalarType.Float32 && layer.bias is not null;
        var activated = fused ? GeluFunction.Apply(LinearFunction.Apply(input, layer.weight!, null), layer.bias!) : Gelu(layer.call(input));
        return activated.MoveToOuterDisposeScope();
    }

    /// <summary>LayerNorm(hidden + update) with the norm's epsilon, which a layer does not show, in one pass where the processor's memory holds them.</summary>
    public static Tensor ResidualNorm(LayerNorm norm, Tensor hidden, Tensor update, double epsilon) =>
        TensorMemory.Reachable(hidden)
            ? ResidualNormFunction.Apply(hidden, update, norm.weight!, norm.bias!, epsilon)
            : norm.call(hidden + update);
}
