using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, n nodes, M families, b children of the largest family, r tokens under the largest family

/// <summary>One level of a <see cref="HierarchyLayout"/>: the families of its nodes, and the node above each token.</summary>
internal abstract class HierarchyLevel(int families, int branching)
{
    /// <summary>M.</summary>
    public int Families { get; } = families;

    /// <summary>b.</summary>
    public int Branching { get; } = branching;

    /// <summary>Returns nodes [G, n, ...] by families, [G, M, b, ...]; places without a node hold 0.</summary>
    public abstract Tensor Group(Tensor nodes);

    /// <summary>The inverse of <see cref="Group"/>.</summary>
    public abstract Tensor Ungroup(Tensor families);

    /// <summary>Returns tokens [G, N, ...] by the families above them, [G, M, r, ...].</summary>
    public abstract Tensor GroupTokens(Tensor tokens);

    /// <summary>The inverse of <see cref="GroupTokens"/>.</summary>
    public abstract Tensor UngroupTokens(Tensor families);

    /// <summary>The number of the child in its family that is above a token, [M or 1, r, 1] of Int64; undefined where there is no token.</summary>
    public abstract Tensor ChildOfToken { get; }

    /// <summary>The number of children of the family before each family, [M, 1, 1] of Int64; 0 for the first family of a document.</summary>
    public abstract Tensor ChildrenBefore { get; }
}
