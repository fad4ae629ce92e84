using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The shape of a block. The defaults are the paper's widths and its multiscale attention at linear cost.</summary>
public record MahaBlockOptions
{
    private readonly int? _feedForwardDim;

    /// <summary>D, the width of a token.</summary>
    /// <value>768. From 1 to 65,536, divisible by <see cref="NumHeads"/>.</value>
    [OptionRange(1, 1 << 16, "The paper uses 768.")]
    public int DModel { get; init; } = 768;

    /// <summary>H, the number of attention heads.</summary>
    /// <value>12. From 1 to D, a divisor of D.</value>
    public int NumHeads { get; init; } = 12;

    /// <summary>F, the width inside the feed-forward layer.</summary>
    /// <value>4 * D. From 1 to 1,048,576.</value>
    [OptionRange(1, 1 << 20, "Four times DModel is usual.")]
    public int FeedForwardDim
    {
        get => _feedForwardDim ?? 4 * DModel;
        init => _feedForwardDim = value;
    }

    /// <summary>The attention that mixes the tokens, with its options.</summary>
    /// <value>A <see cref="MahaOptions"/>.</value>
    public AttentionOptions Attention { get; init; } = new MahaOptions();

    /// <summary>The largest number of tokens of a document; where positions are not learned, the length from which the number of scales is computed.</summary>
    /// <value>512. From 1 to 16,777,216.</value>
    [OptionRange(1, 1 << 24, "Give the length of the longest document in tokens.")]
    public int MaxSequenceLength { get; init; } = 512;

    /// <summary>How the model represents the position of a token.</summary>
    /// <value><see cref="PositionKind.Learned"/>. <see cref="PositionKind.Rotary"/> is refused by <see cref="AttentionKind.MahaReference"/>.</value>
    public PositionKind Positions { get; init; } = PositionKind.Learned;

    /// <summary>The number that is added to the variance in layer norms.</summary>
    /// <value>1e-5. From 1e-30 to 0.1.</value>
    [OptionRange(1e-30, 0.1, "1e-5 is usual.")]
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether a token sees only itself and the tokens before it, through the whole block: for language models.</summary>
    /// <value>
    /// False; <see cref="AttentionKind.HsaCausal"/> is causal in any case, and <see cref="AttentionKind.Hsa"/> becomes it. Refused by
    /// <see cref="AttentionKind.MahaReference"/> and <see cref="WeightGranularity.Document"/>.
    /// </value>
    public bool IsCausal { get; init; }

    /// <summary>
    /// Whether a model frees the activations inside its blocks and computes them again in the backward pass: less memory, about a third more time.
    /// </summary>
    /// <value>False.</value>
    public bool RecomputeBlocks { get; init; }

    /// <summary>The probability with which an activation is dropped in training.</summary>
    /// <value>0.1. In [0, 1).</value>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Checks every option and how they go together.</summary>
    /// <exception cref="ArgumentException">
    /// An option is outside its range, not a number or unknown, or H does not divide D; the message says the rule, the value and the remedy.
    /// </exception>
    public virtual void Validate()
    {
        OptionChecks.Validate(this);
        TensorChecks.InRange(NumHeads, 1, DModel, nameof(NumHeads), "Heads share the width, so there are at most DModel of them.");
        TensorChecks.HeadsDivideWidth(DModel, NumHeads, nameof(NumHeads));
        TensorChecks.Probability(Dropout, nameof(Dropout));
        ArgumentNullException.ThrowIfNull(Attention);
        Attention.Validate(this);
    }

    /// <summary>Checks the options for a layer of one kind of attention, and returns that attention's own.</summary>
    /// <exception cref="ArgumentException">The options are not valid, or ask for another kind of attention.</exception>
    internal T Validated<T>() where T : AttentionOptions
    {
        Validate();
        return Attention as T
            ?? throw new ArgumentException(
                $"Attention must be {typeof(T).Name} for this layer, but is {Attention.GetType().Name}. Set Attention to {typeof(T).Name}.", nameof(Attention));
    }
}
