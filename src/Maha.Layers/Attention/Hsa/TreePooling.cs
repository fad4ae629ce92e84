using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, M families, b children, C channels

/// <summary>Means over the tokens under nodes.</summary>
internal static class TreePooling
{
    /// <summary>The share of each child's tokens in its family's, [G or 1, M, b]; 0 in an empty family.</summary>
    public static Tensor Shares(Tensor counts)
    {
        using var scope = NewDisposeScope();
        return (counts / counts.sum(-1, keepdim: true).clamp_min(1)).MoveToOuterDisposeScope();
    }

    /// <summary>The mean over a family's tokens from its children's means [G, M, b, C], as [G, M, C] in the shares' element type.</summary>
    public static Tensor Mean(Tensor families, Tensor shares)
    {
        using var scope = NewDisposeScope();
        return (families.to(shares.dtype) * shares.unsqueeze(-1)).sum(2).MoveToOuterDisposeScope();
    }
}
