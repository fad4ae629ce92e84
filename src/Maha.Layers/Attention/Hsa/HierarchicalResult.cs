using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, V value dim, R roots

/// <summary>The result of hierarchical attention.</summary>
/// <param name="Output">[G, N, V].</param>
/// <param name="LogPartition">
/// The partition sums, from which the distance to flat attention follows. Optimal form: [G, R], minus the mean over a tree's tokens of the logarithm of the
/// row's partition sum (phi of the root). Key-tied forms: [G, N], the logarithm of each row's partition sum. In float32 or float64.
/// </param>
internal sealed record HierarchicalResult(Tensor Output, Tensor LogPartition)
{
    /// <summary>Moves the tensors to the dispose scope around the current one.</summary>
    public HierarchicalResult MoveToOuterDisposeScope()
    {
        Output.MoveToOuterDisposeScope();
        LogPartition.MoveToOuterDisposeScope();
        return this;
    }
}
