using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The options of multiscale attention as in the published code.</summary>
internal sealed record MahaReferenceOptions : MultiscaleOptions
{
    // The default of the published code, and the best number in the paper.
    private const int ReferenceScales = 4;

    /// <inheritdoc/>
    public override AttentionKind Kind => AttentionKind.MahaReference;

    /// <inheritdoc/>
    internal override int CountScales(int maxSequenceLength) => NumScales ?? ReferenceScales;

    /// <inheritdoc/>
    internal override void Validate(MahaBlockOptions block)
    {
        base.Validate(block);
        if (block.IsCausal)
        {
            throw new ArgumentException(
                "IsCausal must be false with MahaReference, whose attention sees the whole document as the published one does, but is true. "
                + "Choose another Attention.",
                nameof(block));
        }
        if (block.Positions == PositionKind.Rotary)
        {
            throw new ArgumentException(
                $"Positions must be Learned or None with MahaReference, whose attention is the published one, but is {block.Positions}. "
                + "Choose another Attention or other Positions.",
                nameof(block));
        }
    }
}
