using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, G = B * H

/// <summary>The projections around the heads of an attention; splits the width of tokens into heads and merges heads again.</summary>
internal static class AttentionHeads
{
    /// <summary>Creates W_Q, W_K, W_V and W_O with biases, each D x D; their first weights are drawn in this order.</summary>
    public static (Linear Query, Linear Key, Linear Value, Linear Output) CreateProjections(int dModel) =>
        (Linear(dModel, dModel), Linear(dModel, dModel), Linear(dModel, dModel), Linear(dModel, dModel));

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
