namespace Maha.Layers.Attention;

/// <summary>The forms of hierarchical attention. A form says which weights are equal and which tokens are seen.</summary>
internal enum HierarchicalForm
{
    /// <summary>One weight per pair of sibling nodes: the optimum under the block constraint. Sees all tokens.</summary>
    Optimal,

    /// <summary>Every row has its own weights, constant on each sibling of the token and of its ancestors. Sees all tokens.</summary>
    KeyTied,

    /// <summary>As <see cref="KeyTied"/>, but sees only siblings to the left: strictly causal.</summary>
    Causal,

    /// <summary>As <see cref="Causal"/>, but the node just before the token or its ancestor at each level is seen as its children.</summary>
    /// <remarks>The first token of a block then sees the tokens before it one by one instead of only their mean.</remarks>
    CausalOverlap,
}
