using Maha.Layers.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Blocks;

/// <summary>The activation of the feed-forward layer and of convolutions.</summary>
internal static class Activation
{
    /// <summary>GELU of a linear layer's output. In float32 on the processor the bias is added on the way, which saves a pass over the widest tensor of a block.</summary>
    public static Tensor Gelu(Linear layer, Tensor input)
    {
        using var scope = NewDisposeScope();
        bool fused = TensorMemory.Reachable(input) && input.dtype == ScalarType.Float32 && layer.bias is not null;
        var activated = fused ? GeluFunction.Apply(LinearFunction.Apply(input, layer.weight!, null), layer.bias!) : functional.gelu(layer.call(input));
        return activated.MoveToOuterDisposeScope();
    }

    /// <summary>LayerNorm(hidden + update), in one pass where the processor's memory holds them.</summary>
    public static Tensor ResidualNorm(LayerNorm norm, Tensor hidden, Tensor update) =>
        TensorMemory.Reachable(hidden)
            ? ResidualNormFunction.Apply(hidden, update, norm.weight!, norm.bias!, norm.eps)
            : norm.call(hidden + update);
}
