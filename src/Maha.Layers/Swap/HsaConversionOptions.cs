using Maha.Layers.Trees;


namespace Maha.Layers.Swap;

/// <summary>The trees of layers that are swapped to hierarchical attention.</summary>
public sealed record HsaConversionOptions
{
    /// <summary>Where the trees come from.</summary>
    /// <value><see cref="HierarchyKind.Blocks"/>.</value>
    public HierarchyKind Hierarchy { get; init; } = HierarchyKind.Blocks;

    /// <summary>b, the parts of a block.</summary>
    /// <value>16. From 2 to 1,024. Ignored where <see cref="Hierarchy"/> is Document.</value>
    public int Branching { get; init; } = 16;

    /// <summary>By what the next layer to swap is chosen.</summary>
    /// <value><see cref="SwapRanking.Predictions"/>. Used by <see cref="HsaConversion.SwapInOrder"/>.</value>
    public SwapRanking Ranking { get; init; } = SwapRanking.Predictions;

    /// <summary>What tokens mean for sentences and paragraphs, for models that build the documents' trees from their token ids.</summary>
    /// <value>Null: with <see cref="HierarchyKind.Document"/> every batch brings its trees.</value>
    public byte[]? TokenParts { get; init; }
}
