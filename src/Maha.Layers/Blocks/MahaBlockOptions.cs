using Maha.Layers.Aggregation;
using Maha.Layers.Attention;

namespace Maha.Layers.Blocks;

/// <summary>The shape of a block. The defaults are the paper's settings.</summary>
public record MahaBlockOptions
{
    private readonly int? _feedForwardDim;

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
    /// <value><see cref="AttentionKind.MahaReference"/>.</value>
    public AttentionKind Attention { get; init; } = AttentionKind.MahaReference;

    /// <summary>S, the number of scales with the tokens' own.</summary>
    /// <value>4. From 1 to 12.</value>
    public int NumScales { get; init; } = 4;

    /// <summary>r, how many tokens of a scale become one of the next.</summary>
    /// <value>2. From 2 to 64.</value>
    public int CompressionRatio { get; init; } = 2;

    /// <summary>How the outputs of the scales become one.</summary>
    /// <value><see cref="AggregationKind.Softmax"/>.</value>
    public AggregationKind Aggregation { get; init; } = AggregationKind.Softmax;

    /// <summary>The probability with which an activation is dropped in training.</summary>
    /// <value>0.1. In [0, 1).</value>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Checks every option and how they go together.</summary>
    /// <exception cref="ArgumentException">An option is outside its range, not a number or unknown, or H does not divide D; the message says the rule, the value and the remedy.</exception>
    public virtual void Validate()
    {
        TensorChecks.InRange(DModel, 1, 1 << 16, nameof(DModel), "The paper uses 768.");
        TensorChecks.InRange(NumHeads, 1, DModel, nameof(NumHeads), "Heads share the width, so there are at most DModel of them.");
        TensorChecks.HeadsDivideWidth(DModel, NumHeads, nameof(NumHeads));
        TensorChecks.InRange(FeedForwardDim, 1, 1 << 20, nameof(FeedForwardDim), "Four times DModel is usual.");
        TensorChecks.Known(Attention, nameof(Attention));
        TensorChecks.InRange(NumScales, 1, 12, nameof(NumScales), "The paper's best is 4.");
        TensorChecks.InRange(CompressionRatio, 2, 64, nameof(CompressionRatio), "The paper uses 2.");
        TensorChecks.Known(Aggregation, nameof(Aggregation));
        TensorChecks.Probability(Dropout, nameof(Dropout));
    }
}
