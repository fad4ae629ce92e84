using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Trees;

namespace Maha.Layers.Swap;

/// <summary>The options of a conversion to hierarchical attention: the trees, the order of the layers, and the length of documents.</summary>
public sealed record HsaConversionOptions
{
    /// <summary>The kind of the trees.</summary>
    /// <value><see cref="HierarchyKind.Blocks"/>.</value>
    public HierarchyKind Hierarchy { get; init; } = HierarchyKind.Blocks;

    /// <summary>
    /// b, the number of parts of a block, with <see cref="HierarchyKind.Blocks"/>. Tokens of one block of b attend to each other exactly, so that a larger b is
    /// nearer to the attention that the weights were trained with, and costs more.
    /// </summary>
    /// <value>
    /// 32: two of six swapped layers of a fine-tuned encoder lose 0.3 points, and 1.7 with 16 (docs/hierarchical-attention.md). From 2 to 1,024.
    /// </value>
    public int Branching { get; init; } = 32;

    /// <summary>The rule by which <see cref="HsaConversion.SwapInOrder"/> chooses the next layer.</summary>
    /// <value><see cref="SwapRanking.Predictions"/>.</value>
    public SwapRanking Ranking { get; init; } = SwapRanking.Predictions;

    /// <summary>
    /// The role of each token of the vocabulary in sentences and paragraphs, with <see cref="HierarchyKind.Document"/>: the model builds the documents' trees
    /// from their token ids.
    /// </summary>
    /// <value>Null: every batch contains its trees. From <see cref="Trees.TokenParts.FromTokenizer"/>.</value>
    public byte[]? TokenParts { get; init; }

    /// <summary>
    /// The most tokens that the converted encoder reads at once. An encoder that reads documents in windows reads windows of this length afterward. With
    /// learned positions (<see cref="PositionKind.Learned"/>) it is at least <see cref="MahaBlockOptions.MaxSequenceLength"/> of the encoder, and
    /// <see cref="InterpolatePositions"/> chooses the positions that the encoder was not trained on.
    /// </summary>
    /// <value>Null: as many as before. From 8 to 16,777,216.</value>
    public int? MaxSequenceLength { get; init; }

    /// <summary>
    /// Whether the trained positions are stretched over <see cref="MaxSequenceLength"/>, with learned positions: the vectors between two of them are
    /// interpolated linearly, and positions change in short documents, too. Otherwise they repeat: with P trained positions, token i has the vector of position
    /// i mod P, and documents of up to P tokens are read as before.
    /// </summary>
    /// <value>False.</value>
    public bool InterpolatePositions { get; init; }
}
