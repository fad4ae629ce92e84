using Maha.Layers.Attention;

namespace Maha.Layers.Blocks;

/// <summary>Creates the token mixer that the options select.</summary>
internal static class TokenMixers
{
    /// <summary>Creates the mixer of <see cref="MahaBlockOptions.Attention"/>.</summary>
    public static TokenMixer Create(MahaBlockOptions options) => options.Attention switch
    {
        MahaOptions => new MahaMixer(options),
        HsaOptions => new HsaMixer(options),
        WindowOptions => new WindowMixer(options),
        FullOptions => new FullMixer(options),
        MahaReferenceOptions => new ReferenceMahaMixer(options),
        var unknown => throw new ArgumentOutOfRangeException(
            nameof(options), unknown, $"Attention must be one of {string.Join(", ", Enum.GetNames<AttentionKind>())}, but is {unknown}."),
    };
}
