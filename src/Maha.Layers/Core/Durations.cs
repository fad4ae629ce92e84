namespace Maha.Layers.Core;

/// <summary>Durations of estimates, which may be longer than a <see cref="TimeSpan"/> can be.</summary>
internal static class Durations
{
    /// <summary>Returns a duration of some seconds, or the longest one.</summary>
    public static TimeSpan FromSeconds(double seconds) =>
        seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.MaxValue;
}
