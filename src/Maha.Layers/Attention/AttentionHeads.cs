using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, G = B * H

/// <summary>Splits the width of tokens into heads and merges heads again.</summary>
internal static class AttentionHeads
{
    /// <summary>Returns [B, N, D] as [B, H, N, K], a view.</summary>
    public static Tensor Split(Tensor tokens, int numHeads) => tokens.unflatten(2, numHeads, tokens.shape[2] / numHeads).transpose(1, 2);

    /// <summary>Returns [B, H, N, K] as [B, N, D].</summary>
    public static Tensor Merge(Tensor heads) => heads.transpose(1, 2).flatten(2);

    /// <summary>Returns [B, N, D] as [G, N, K].</summary>
    public static Tensor SplitFlat(Tensor tokens, int numHeads)
    {
        using var scope = NewDisposeScope();
        return Split(tokens, numHeads).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Returns [G, N, K] as [B, N, D].</summary>
    public static Tensor MergeFlat(Tensor heads, int numHeads)
    {
        using var scope = NewDisposeScope();
        return Merge(heads.unflatten(0, heads.shape[0] / numHeads, numHeads)).MoveToOuterDisposeScope();
    }
}
