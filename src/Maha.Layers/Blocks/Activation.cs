using Maha.Layers.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Blocks;

/// <summary>The activation of the feed-forward layer and of convolutions.</summary>
internal static class Activation
{
    /// <summary>
    /// Computes gelu(W x + b). In float32 on the CPU one pass adds the bias and applies GELU, which saves a pass over the widest tensor of a block.
    /// </summary>
    public static Tensor Gelu(Linear layer, Tensor input)
    {
        using var scope = NewDisposeScope();
        bool fused = TensorMemory.Reachable(input) && input.dtype == ScalarType.Float32 && layer.bias is not null;
        var activated = fused
            ? GeluFunction.Apply(LinearFunction.Apply(input, layer.weight!, null), layer.bias!)
            : functional.gelu(LinearFunction.ApplyByTorch(input, layer.weight!, layer.bias));
        return activated.MoveToOuterDisposeScope();
    }

    /// <summary>Computes LayerNorm(hidden + update), in one pass for tensors in CPU memory and by a kernel on a CUDA device.</summary>
    public static Tensor ResidualNorm(LayerNorm norm, Tensor hidden, Tensor update) =>
        TensorMemory.Reachable(hidden)
            ? ResidualNormFunction.Apply(hidden, update, norm.weight!, norm.bias!, norm.eps)
            : CudaResidualNormFunction.TryApply(hidden, update, norm) ?? norm.call(hidden + update);
}
