using Maha.Layers.Core;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

/// <summary>The options of hierarchical attention (HSA, arXiv 2509.15448).</summary>
public record HsaOptions : AttentionOptions
{
    /// <inheritdoc/>
    public override AttentionKind Kind => AttentionKind.Hsa;

    /// <summary>b, the number of children of a node in a tree of blocks.</summary>
    /// <value>16. From 2 to 1,024. A tree of the document's own sentences and paragraphs has as many children as there are.</value>
    [OptionRange(2, 1024, "Use 16, which suits most processors.")]
    public int Branching { get; init; } = 16;

    /// <summary>The source of the tree.</summary>
    /// <value>
    /// <see cref="HierarchyKind.Blocks"/>. With <see cref="HierarchyKind.Document"/> every batch brings its trees in <see cref="MixingContext.Hierarchies"/>,
    /// or the model builds them from its token ids.
    /// </value>
    public HierarchyKind Hierarchy { get; init; } = HierarchyKind.Blocks;

    /// <summary>
    /// Whether causal attention also sees the individual children of the node before a token's own node. It is nearer to full attention, at twice the cost.
    /// </summary>
    /// <value>False. True needs a causal block.</value>
    public bool Overlap { get; init; }

    /// <summary>Whether the attention is causal in a block.</summary>
    internal virtual bool IsCausalIn(MahaBlockOptions block) => block.IsCausal;

    /// <inheritdoc/>
    internal override void Validate(MahaBlockOptions block)
    {
        base.Validate(block);
        if (Overlap && !IsCausalIn(block))
        {
            throw new ArgumentException(
                "Overlap is for Attention HsaCausal or a causal block, but Attention is Hsa and IsCausal is false. Leave it false.", nameof(Overlap));
        }
    }
}
