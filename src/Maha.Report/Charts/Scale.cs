namespace Maha.Report.Charts;

/// <summary>The range and the ticks of an axis.</summary>
/// <param name="Min">Its least value.</param>
/// <param name="Max">Its greatest value.</param>
/// <param name="Ticks">The places with labels.</param>
internal readonly record struct Scale(double Min, double Max, IReadOnlyList<(double Place, string Label)> Ticks)
{
    /// <summary>Returns an axis of shares from a round value to 1, in percent.</summary>
    /// <param name="least">The least share that must be shown.</param>
    public static Scale Shares(double least)
    {
        double min = Math.Clamp(Math.Floor(least * 10) / 10, 0, 0.9), step = 1 - min > 0.5 ? 0.2 : 1 - min > 0.2 ? 0.1 : 0.05;
        return new(min, 1, [.. Places(min, 1, step).Select(place => (place, $"{Math.Round(100 * place)}%"))]);
    }

    /// <summary>Returns an axis with about five round ticks.</summary>
    public static Scale Numbers(double min, double max)
    {
        if (!(max > min))
            (min, max) = (min - 1, min + 1);
        double rough = (max - min) / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 };
        (min, max) = (Math.Floor(min / step) * step, Math.Ceiling(max / step) * step);
        return new(min, max, [.. Places(min, max, step).Select(place => (place, Report.Numbers.Short(place)))]);
    }

    private static IEnumerable<double> Places(double min, double max, double step)
    {
        int count = (int)Math.Round((max - min) / step);
        // Rounded, so that 0.1 + 0.2 is 0.3.
        return Enumerable.Range(0, count + 1).Select(i => Math.Round(min + (i * step), 10));
    }
}
