namespace Maha.Layers.Trees;

/// <summary>Where the tree of hierarchical attention comes from.</summary>
public enum HierarchyKind
{
    /// <summary>Blocks of a fixed number of tokens, blocks of blocks, and so on: needs nothing but the length.</summary>
    Blocks,

    /// <summary>The document's own parts, sentences and paragraphs, handed in with every batch.</summary>
    Document,
}
