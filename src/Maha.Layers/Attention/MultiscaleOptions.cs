using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The options that both forms of multiscale attention (MAHA, arXiv 2512.14925) share.</summary>
public abstract record MultiscaleOptions : AttentionOptions
{
    private protected MultiscaleOptions()
    {
    }

    /// <summary>S, the number of scales, including that of the tokens.</summary>
    /// <value>
    /// Null: the smallest S with ceil(MaxSequenceLength / r^(S-1)) at most 2w, so that one window of the coarsest scale covers a whole document;
    /// 4 for <see cref="AttentionKind.MahaReference"/>. From 1 to 12.
    /// </value>
    [OptionRange(1, ScaleCount.Max, "The paper's best is 4.")]
    public int? NumScales { get; init; }

    /// <summary>r, the number of tokens of a scale that become one token of the next coarser scale.</summary>
    /// <value>2. From 2 to 64.</value>
    [OptionRange(2, 64, "The paper uses 2.")]
    public int CompressionRatio { get; init; } = 2;

    /// <summary>The operator that computes a scale from the next finer one.</summary>
    /// <value>
    /// <see cref="DecompositionKind.StridedConvolution"/>, depthwise with <see cref="AttentionKind.Maha"/>. The pool of <see cref="AttentionKind.Maha"/> is the
    /// maximum over cells of r tokens, the last one ragged.
    /// </value>
    public DecompositionKind Decomposition { get; init; } = DecompositionKind.StridedConvolution;

    /// <summary>The aggregation of the scales' outputs into one, with its options.</summary>
    /// <value>A <see cref="ConvexOptions"/>.</value>
    public AggregationOptions Aggregation { get; init; } = new ConvexOptions();

    /// <summary>The number of scales of a model for documents up to a length.</summary>
    internal abstract int CountScales(int maxSequenceLength);

    /// <inheritdoc/>
    internal override void Validate(MahaBlockOptions block)
    {
        base.Validate(block);
        ArgumentNullException.ThrowIfNull(Aggregation);
        Aggregation.Validate(block);
    }
}
