using Maha.Layers.Core;
using Maha.Layers.Kernels;
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

    /// <summary>Computes queries, keys and values, with rotary positions where the model has them.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="projections">W_Q, W_K and W_V.</param>
    /// <param name="numHeads">H.</param>
    /// <param name="positions">The kind of positions.</param>
    /// <param name="isPacked">Whether they are one product, which has fewer launches on a GPU.</param>
    /// <param name="start">The position of the first token.</param>
    /// <returns>Three tensors [B, N, D], or one [B, N, 3 * D] that holds them side by side.</returns>
    public static Tensor[] Project(
        Tensor hidden, (Linear Query, Linear Key, Linear Value) projections, int numHeads, PositionKind positions, bool isPacked, long start = 0)
    {
        bool isRotary = positions == PositionKind.Rotary;
        if (isPacked)
        {
            var packed = LinearFunction.ApplyPacked(hidden, projections.Query, projections.Key, projections.Value);
            return [isRotary ? RotaryPositions.RotatePacked(packed, numHeads, start) : packed];
        }
        var parts = LinearFunction.ApplyAll(hidden, projections.Query, projections.Key, projections.Value);
        if (isRotary)
        {
            parts[0] = RotaryPositions.Rotate(parts[0], numHeads, cell: 1, start);
            parts[1] = RotaryPositions.Rotate(parts[1], numHeads, cell: 1, start);
        }
        return parts;
    }

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
