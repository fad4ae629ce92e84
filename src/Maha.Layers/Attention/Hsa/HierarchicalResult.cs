using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, V value dim, R roots

/// <summary>What hierarchical attention returns.</summary>
/// <param name="Output">[G, N, V].</param>
/// <param name="LogPartition">
/// What the distance to flat attention follows from. Optimal form: [G, R], minus the mean over a tree's tokens of the logarithm of the row's partition sum (phi of the root).
/// Key-tied forms: [G, N], the logarithm of each row's partition sum. In float32 at least.
/// </param>
internal sealed record HierarchicalResult(Tensor Output, Tensor LogPartition)
{
    /// <summary>Hands the tensors to the scope around the innermost one.</summary>
    public HierarchicalResult MoveToOuterDisposeScope()
    {
        Output.MoveToOuterDisposeScope();
        LogPartition.MoveToOuterDisposeScope();
        return this;
    }
}
