using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>The precision of losses where a model computes in 16 bits.</summary>
internal static class LossPrecision
{
    /// <summary>
    /// Returns logits in float32 where they have 16 bits, and as they are otherwise. In bfloat16, with three digits, the sum over the classes loses
    /// the small probabilities, and the loss the differences between epochs.
    /// </summary>
    public static Tensor AtLeastFloat32(Tensor logits) => logits.dtype == AtLeastFloat32(logits.dtype) ? logits : logits.to(ScalarType.Float32);

    /// <summary>Returns float32 for a type of 16 bits, and the type itself otherwise.</summary>
    public static ScalarType AtLeastFloat32(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : type;
}
