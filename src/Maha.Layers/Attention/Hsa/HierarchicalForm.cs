namespace Maha.Layers.Attention;

/// <summary>The forms of hierarchical attention: which weights share a value, and which tokens are seen.</summary>
internal enum HierarchicalForm
{
    /// <summary>One weight for every pair of sibling nodes: the optimum under the block constraint. Sees all tokens.</summary>
    Optimal,

    /// <summary>Every row has weights of its own, constant on the siblings of the token and of its ancestors. Sees all tokens.</summary>
    KeyTied,

    /// <summary>As <see cref="KeyTied"/>, but only siblings to the left: strictly causal.</summary>
    Causal,

    /// <summary>As <see cref="Causal"/>, and the children of the node before the token's own family stay apart, so that a token that opens a block sees its predecessors singly.</summary>
    CausalOverlap,
}
