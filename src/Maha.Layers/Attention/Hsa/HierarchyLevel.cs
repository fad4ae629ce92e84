using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, n nodes, M families, b children of the largest family, r tokens under the largest family

/// <summary>One level of a <see cref="HierarchyLayout"/>: how its nodes stand in families, and under which node a token stands.</summary>
internal abstract class HierarchyLevel(int families, int branching)
{
    /// <summary>M.</summary>
    public int Families { get; } = families;

    /// <summary>b.</summary>
    public int Branching { get; } = branching;

    /// <summary>Nodes [G, n, ...] by families, [G, M, b, ...]; places without a node hold 0.</summary>
    public abstract Tensor Group(Tensor nodes);

    /// <summary>The inverse of <see cref="Group"/>.</summary>
    public abstract Tensor Ungroup(Tensor families);

    /// <summary>Tokens [G, N, ...] by the families above them, [G, M, r, ...].</summary>
    public abstract Tensor GroupTokens(Tensor tokens);

    /// <summary>The inverse of <see cref="GroupTokens"/>.</summary>
    public abstract Tensor UngroupTokens(Tensor families);

    /// <summary>Which child of its family stands above a token, [M or 1, r, 1] of Int64; anything where there is no token.</summary>
    public abstract Tensor ChildOfToken { get; }

    /// <summary>The number of children of the family before each, [M, 1, 1] of Int64: 0 where none is before it in its document.</summary>
    public abstract Tensor ChildrenBefore { get; }
}
