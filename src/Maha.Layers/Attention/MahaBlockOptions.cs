using Maha.Layers.Core;
using Maha.Layers.Trees;


namespace Maha.Layers.Attention;

/// <summary>The shape of a block. The defaults are the paper's widths, in the efficient mode.</summary>
public record MahaBlockOptions
{
    // The published code's default; the paper's best.
    private const int ReferenceScales = 4;

    private readonly int? _feedForwardDim;
    private readonly int? _numScales;

    /// <summary>D, the width of a token.</summary>
    /// <value>768. At least 1, divisible by <see cref="NumHeads"/>.</value>
    public int DModel { get; init; } = 768;

    /// <summary>H, the number of attention heads.</summary>
    /// <value>12. At least 1.</value>
    public int NumHeads { get; init; } = 12;

    /// <summary>F, the width inside the feed-forward layer.</summary>
    /// <value>4 * D. At least 1.</value>
    public int FeedForwardDim
    {
        get => _feedForwardDim ?? 4 * DModel;
        init => _feedForwardDim = value;
    }

    /// <summary>What mixes the tokens.</summary>
    /// <value><see cref="AttentionKind.Maha"/>.</value>
    public AttentionKind Attention { get; init; } = AttentionKind.Maha;

    /// <summary>The most tokens a document may have; where positions are not learned, the length that the number of scales is made for.</summary>
    /// <value>512. At least 1.</value>
    public int MaxSequenceLength { get; init; } = 512;

    /// <summary>w, the tokens of a block of windowed attention; a block attends to itself and both neighbors.</summary>
    /// <value>128. At least 1. Ignored by <see cref="AttentionKind.MahaReference"/> and <see cref="AttentionKind.Full"/>.</value>
    public int Window { get; init; } = 128;

    /// <summary>S, the number of scales with the tokens' own.</summary>
    /// <value>
    /// The smallest S with ceil(MaxSequenceLength / r^(S-1)) at most 2 * Window, so that the coarsest scale sees a whole document;
    /// 4 for <see cref="AttentionKind.MahaReference"/>. From 1 to 12.
    /// </value>
    public int NumScales
    {
        get => _numScales ?? (Attention == AttentionKind.MahaReference
            ? ReferenceScales
            : ScaleCount.Needed(MaxSequenceLength, Math.Max(2, CompressionRatio), Math.Max(1, Window)));
        init => _numScales = value;
    }

    /// <summary>r, how many tokens of a scale become one of the next.</summary>
    /// <value>2. From 2 to 64.</value>
    public int CompressionRatio { get; init; } = 2;

    /// <summary>How the outputs of the scales become one.</summary>
    /// <value><see cref="AggregationKind.Convex"/>.</value>
    public AggregationKind Aggregation { get; init; } = AggregationKind.Convex;

    /// <summary>Who gets weights of its own under <see cref="AggregationKind.Convex"/>.</summary>
    /// <value><see cref="WeightGranularity.Token"/>. Ignored by the other aggregations.</value>
    public WeightGranularity Granularity { get; init; } = WeightGranularity.Token;

    /// <summary>rho, the price of redundancy between scales under <see cref="AggregationKind.Convex"/>.</summary>
    /// <value>0.5. From 0 to 1,000,000; 0 is the projection on the simplex (sparsemax). Ignored by the other aggregations.</value>
    public double RedundancyPrice { get; init; } = 0.5;

    /// <summary>lambda, the price of a scale's share of the floating-point operations under <see cref="AggregationKind.Convex"/> and <see cref="AggregationKind.Nash"/>.</summary>
    /// <value>0. Finite, not negative. Ignored by the other aggregations.</value>
    public double CostPrice { get; init; }

    /// <summary>tau, how soft the weights are under <see cref="AggregationKind.Convex"/> and <see cref="AggregationKind.Nash"/>.</summary>
    /// <value>1. From 0.001 to 1,000. Ignored by the other aggregations.</value>
    public double Temperature { get; init; } = 1;

    /// <summary>The residual at which <see cref="AggregationKind.Nash"/> counts as solved.</summary>
    /// <value>1e-10 (the game is solved in float64 whatever the type of the tokens). From 1e-15 to 0.1.</value>
    public double Tolerance { get; init; } = 1e-10;

    /// <summary>The most best responses of <see cref="AggregationKind.Nash"/>; beyond, the result is reported as not converged.</summary>
    /// <value>5,000: near a bifurcation the steps shrink slowly. From 1 to 1,000,000.</value>
    public int MaxIterations { get; init; } = 5000;

    /// <summary>How a scale is made from the one before.</summary>
    /// <value>
    /// <see cref="DecompositionKind.StridedConvolution"/>, depthwise under <see cref="AttentionKind.Maha"/>. The pool of <see cref="AttentionKind.Maha"/> is the maximum
    /// over cells of r tokens, the last one ragged. Ignored by the attentions without scales.
    /// </value>
    public DecompositionKind Decomposition { get; init; } = DecompositionKind.StridedConvolution;

    /// <summary>b, the parts of a block of the tree of hierarchical attention.</summary>
    /// <value>16. From 2 to 1,024. Used by <see cref="AttentionKind.Hsa"/> and <see cref="AttentionKind.HsaCausal"/> where <see cref="Hierarchy"/> is Blocks.</value>
    public int Branching { get; init; } = 16;

    /// <summary>Where the tree of hierarchical attention comes from.</summary>
    /// <value><see cref="HierarchyKind.Blocks"/>. With <see cref="HierarchyKind.Document"/> every batch brings its trees in <see cref="MixingContext.Hierarchies"/>.</value>
    public HierarchyKind Hierarchy { get; init; } = HierarchyKind.Blocks;

    /// <summary>Whether causal hierarchical attention also sees the parts of the node before a token's own one singly: nearer to full attention at twice the cost.</summary>
    /// <value>False. Used by <see cref="AttentionKind.HsaCausal"/>; refused elsewhere.</value>
    public bool Overlap { get; init; }

    /// <summary>How tokens know where they stand.</summary>
    /// <value><see cref="PositionKind.Learned"/>. <see cref="PositionKind.Rotary"/> is not known to <see cref="AttentionKind.MahaReference"/>.</value>
    public PositionKind Positions { get; init; } = PositionKind.Learned;

    /// <summary>How many tokens at the start of a document see, and are seen by, all others under <see cref="AttentionKind.Window"/>.</summary>
    /// <value>1. From 0 to 1,024. Ignored by the other attentions.</value>
    public int GlobalTokens { get; init; } = 1;

    /// <summary>What is added to the variance in norms.</summary>
    /// <value>1e-5. In (0, 0.1].</value>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether a token sees only itself and what stands before it, through the whole block: for language models.</summary>
    /// <value>False; <see cref="AttentionKind.HsaCausal"/> is causal in any case, and is what <see cref="AttentionKind.Hsa"/> becomes. Not known to <see cref="AttentionKind.MahaReference"/> and <see cref="WeightGranularity.Document"/>.</value>
    public bool IsCausal { get; init; }

    /// <summary>Whether a model forgets the inside of its blocks and computes it again in the backward pass: less memory, about a third more time.</summary>
    /// <value>False.</value>
    public bool RecomputeBlocks { get; init; }

    /// <summary>The probability with which an activation is dropped in training.</summary>
    /// <value>0.1. In [0, 1).</value>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Whether the attention is hierarchical and causal.</summary>
    internal bool IsCausalTree => Attention == AttentionKind.HsaCausal || (Attention == AttentionKind.Hsa && IsCausal);

    /// <summary>Checks every option and how they go together.</summary>
    /// <exception cref="ArgumentException">An option is outside its range, not a number or unknown, or H does not divide D; the message says the rule, the value and the remedy.</exception>
    public virtual void Validate()
    {
        TensorChecks.InRange(DModel, 1, 1 << 16, nameof(DModel), "The paper uses 768.");
        TensorChecks.InRange(NumHeads, 1, DModel, nameof(NumHeads), "Heads share the width, so there are at most DModel of them.");
        TensorChecks.HeadsDivideWidth(DModel, NumHeads, nameof(NumHeads));
        TensorChecks.InRange(FeedForwardDim, 1, 1 << 20, nameof(FeedForwardDim), "Four times DModel is usual.");
        TensorChecks.Known(Attention, nameof(Attention));
        TensorChecks.InRange(NumScales, 1, ScaleCount.Max, nameof(NumScales), "The paper's best is 4.");
        TensorChecks.InRange(CompressionRatio, 2, 64, nameof(CompressionRatio), "The paper uses 2.");
        TensorChecks.InRange(MaxSequenceLength, 1, 1 << 24, nameof(MaxSequenceLength), "Give the length of the longest document in tokens.");
        TensorChecks.InRange(Window, 1, 1 << 20, nameof(Window), "128 suits most processors.");
        TensorChecks.Known(Aggregation, nameof(Aggregation));
        TensorChecks.Known(Granularity, nameof(Granularity));
        Within(RedundancyPrice, 0, 1e6, nameof(RedundancyPrice), "0 is the projection on the simplex.");
        Within(CostPrice, 0, double.MaxValue, nameof(CostPrice), "Use 0 to switch it off.");
        Within(Temperature, 1e-3, 1e3, nameof(Temperature), "1 is usual.");
        Within(Tolerance, 1e-15, 0.1, nameof(Tolerance), "1e-10 is usual.");
        TensorChecks.InRange(MaxIterations, 1, 1_000_000, nameof(MaxIterations), "5,000 is usual.");
        TensorChecks.Known(Decomposition, nameof(Decomposition));
        TensorChecks.Known(Positions, nameof(Positions));
        TensorChecks.InRange(Branching, 2, 1024, nameof(Branching), "16 suits most processors.");
        TensorChecks.Known(Hierarchy, nameof(Hierarchy));
        if (Overlap && !IsCausalTree)
            throw new ArgumentException($"Overlap is for Attention HsaCausal, but Attention is {Attention}. Leave it false.", nameof(Overlap));
        TensorChecks.InRange(GlobalTokens, 0, 1024, nameof(GlobalTokens), "Global tokens see every other, so there should be few.");
        if (IsCausal && Attention == AttentionKind.MahaReference)
            throw new ArgumentException("IsCausal must be false under MahaReference, whose attention sees the whole document as the published one does, but is true. Choose another Attention.", nameof(IsCausal));
        if (IsCausal && Aggregation == AggregationKind.ReferenceNash)
            throw new ArgumentException("IsCausal must be false under ReferenceNash, which measures distances over whole documents, but is true. Choose another Aggregation.", nameof(IsCausal));
        if (IsCausal && Aggregation == AggregationKind.Convex && Granularity == WeightGranularity.Document)
            throw new ArgumentException("Granularity must be Token or InputFree in a causal model, since a document's mean knows the future, but is Document.", nameof(Granularity));
        if (Attention == AttentionKind.MahaReference && Positions == PositionKind.Rotary)
            throw new ArgumentException($"Positions must be Learned or None under MahaReference, whose attention is the published one, but is {Positions}. Choose another Attention or other Positions.", nameof(Positions));
        Within(NormEpsilon, 1e-30, 0.1, nameof(NormEpsilon), "1e-5 is usual.");
        TensorChecks.Probability(Dropout, nameof(Dropout));
    }

    private static void Within(double value, double least, double most, string name, string remedy)
    {
        // Written so that NaN fails too.
        if (!(value >= least && value <= most))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must lie in [{least}, {most}], but is {value}. {remedy}");
    }
}
