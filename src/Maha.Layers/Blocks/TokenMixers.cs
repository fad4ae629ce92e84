using Maha.Layers.Attention;


namespace Maha.Layers.Blocks;

/// <summary>Makes the token mixer that options ask for.</summary>
internal static class TokenMixers
{
    /// <summary>The mixer of <see cref="MahaBlockOptions.Attention"/>.</summary>
    public static TokenMixer Create(MahaBlockOptions options) => options.Attention switch
    {
        AttentionKind.MahaReference => new ReferenceMahaMixer(options),
        AttentionKind.Maha => new MahaMixer(options),
        AttentionKind.Full => new FullMixer(options),
        AttentionKind.Hsa or AttentionKind.HsaCausal => new HsaMixer(options),
        AttentionKind.Window => new WindowMixer(options),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.Attention, $"Attention must be one of {string.Join(", ", Enum.GetNames<AttentionKind>())}, but is {options.Attention}."),
    };
}
