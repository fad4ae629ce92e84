namespace Maha.Layers.Trees;

/// <summary>The source of the tree of hierarchical attention.</summary>
public enum HierarchyKind
{
    /// <summary>Blocks of a fixed number of tokens, blocks of blocks, and so on. The tree depends only on the length.</summary>
    Blocks,

    /// <summary>The document's own sentences and paragraphs, passed with every batch.</summary>
    Document,
}
