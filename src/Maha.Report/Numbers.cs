using System.Globalization;

namespace Maha.Report;

/// <summary>Numbers as text, the same in every culture.</summary>
internal static class Numbers
{
    /// <summary>Returns a count, with commas.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Returns a share or a loss, with three decimals.</summary>
    public static string Fixed(double value) => double.IsFinite(value) ? value.ToString("F3", CultureInfo.InvariantCulture) : "-";

    /// <summary>Returns a share as percent.</summary>
    public static string Percent(double value) => double.IsFinite(value) ? (100 * value).ToString("F1", CultureInfo.InvariantCulture) + "%" : "-";

    /// <summary>Returns a number as short as it is exact enough for an axis.</summary>
    public static string Short(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
