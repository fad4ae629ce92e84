using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The attention of a block with its options: one record for each kind.</summary>
public abstract record AttentionOptions
{
    private protected AttentionOptions()
    {
    }

    /// <summary>The kind of attention that the record belongs to.</summary>
    public abstract AttentionKind Kind { get; }

    /// <summary>Creates the options of a kind of attention with their default values.</summary>
    /// <param name="kind">The kind of attention.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not known.</exception>
    public static AttentionOptions Create(AttentionKind kind) => kind switch
    {
        AttentionKind.MahaReference => new MahaReferenceOptions(),
        AttentionKind.Maha => new MahaOptions(),
        AttentionKind.Full => new FullOptions(),
        AttentionKind.Hsa => new HsaOptions(),
        AttentionKind.HsaCausal => new HsaCausalOptions(),
        AttentionKind.Window => new WindowOptions(),
        _ => throw new ArgumentOutOfRangeException(
            nameof(kind), kind, $"Attention must be one of {string.Join(", ", Enum.GetNames<AttentionKind>())}, but is {kind}."),
    };

    /// <summary>Checks the options, and how they go together with those of their block.</summary>
    /// <exception cref="ArgumentException">An option is not valid, or contradicts the block's.</exception>
    internal virtual void Validate(MahaBlockOptions block) => OptionChecks.Validate(this);
}
