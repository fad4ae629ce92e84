using System.Globalization;
using System.Text;

namespace Microsoft.ML.Data;

/// <summary>The confusion matrix as text, character for character as ML.NET prints it.</summary>
internal static class ConfusionTable
{
    private const int TruthWidth = 9;

    public static string Format(ConfusionMatrix matrix, string[] names, bool isBinary)
    {
        var counts = matrix.Counts;
        int classes = counts.Count;
        int cell = classes == 2 ? 8 : 5;
        int longestName = names.Max(n => n.Length);

        // Names too long for a column head give way to numbers, which then stand before the names of the rows.
        bool numbered = longestName > cell;
        int digits = numbered ? Math.Max(classes - 1, 0).ToString(CultureInfo.InvariantCulture).Length : 0;
        int margin = Math.Max(TruthWidth, longestName + (numbered ? digits + 2 : 0));
        string pad = new(' ', margin - TruthWidth);
        string rule = string.Concat(Enumerable.Repeat(classes > 2 ? "========" : "===========", classes));

        var text = new StringBuilder();
        if (isBinary && classes == 2)
            text.Append(PositiveRatio(counts, names[0]));
        text.AppendLine().AppendLine("Confusion table");
        text.Append("          ").Append(pad).Append("||").AppendLine(rule);
        text.Append("PREDICTED ").Append(pad).Append("||");
        for (int c = 0; c < classes; c++)
            text.Append(' ').Append((numbered ? c.ToString(CultureInfo.CurrentCulture) : names[c]).PadLeft(cell)).Append(" |");
        text.AppendLine(" Recall");
        text.Append("TRUTH     ").Append(pad).Append("||").AppendLine(rule);
        for (int actual = 0; actual < classes; actual++)
        {
            if (numbered)
                text.Append(actual.ToString(CultureInfo.CurrentCulture).PadLeft(digits)).Append(". ").Append(names[actual].PadLeft(margin - digits - 2));
            else
                text.Append(names[actual].PadLeft(margin));
            text.Append(" ||");
            foreach (double count in counts[actual])
                text.Append(' ').Append(count.ToString("N0", CultureInfo.CurrentCulture).PadLeft(cell)).Append(" |");
            text.Append(' ').AppendLine(matrix.PerClassRecall[actual].ToString("F4", CultureInfo.CurrentCulture).PadLeft(5));
        }

        text.Append("          ").Append(pad).Append("||").AppendLine(rule);
        text.Append("Precision ").Append(pad).Append("||");
        foreach (double precision in matrix.PerClassPrecision)
            text.Append(precision.ToString("N4", CultureInfo.CurrentCulture).PadLeft(cell + 1)).Append(" |");
        return text.AppendLine().ToString();
    }

    private static string PositiveRatio(IReadOnlyList<IReadOnlyList<double>> counts, string positive)
    {
        double positives = counts[0][0] + counts[0][1];
        double negatives = counts[1][0] + counts[1][1];
        return string.Format(CultureInfo.CurrentCulture, "TEST {0} RATIO:\t{1:N4} ({2:F1}/({2:F1}+{3:F1}))",
            positive.ToUpper(CultureInfo.CurrentCulture), positives / (positives + negatives), positives, negatives);
    }
}
