using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>The published decomposition by adaptive maximum, which has no parameters.</summary>
internal sealed class PoolVectors : IVectorKind
{
    public bool Matches(string? what, VectorFile file) => what == "decomposition-pool";

    public void Compare(VectorFile file, Comparison comparison, ScalarType type)
    {
        var config = file.Object("config");
        using var decomposition = new HierarchicalDecomposition(
            config.Integer("d_model"), config.Integer("num_scales"), config.Integer("compression_ratio"), DecompositionKind.AdaptiveMaxPool);
        config.RefuseLeft();
        comparison.Add("scales", decomposition.call(file.Tensor("input").to(type)), file.List("scales"));
    }
}
