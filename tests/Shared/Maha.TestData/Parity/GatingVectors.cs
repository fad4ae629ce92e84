using Maha.Layers.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>The published cross-scale gating of two scales (equation 12).</summary>
internal sealed class GatingVectors : IVectorKind
{
    public bool Matches(string? what, VectorFile file) => what == "gating";

    public void Compare(VectorFile file, Comparison comparison, ScalarType type)
    {
        var current = file.Tensor("current").to(type);
        var next = file.Tensor("next").to(type);
        if (current.dim() != 3)
            throw new FormatException($"'current' must have the shape [batch, length, width], but has [{string.Join(", ", current.shape)}].");
        using var gating = new CrossScaleGate((int)current.shape[2]);
        gating.to(type);
        // The published parameter names are the layer's own.
        ReferenceModule.Prepare(gating, file.Tensors("parameters"));
        comparison.Add("output", gating.call(current, next), file.Tensor("output"));
    }
}
