using System.Text;
using Maha.MLNet.Explanation;

namespace Maha.Report.Content;

/// <summary>A text with colored spans.</summary>
internal static class HighlightedText
{
    // Weaker colors cannot be told from none.
    private const int MinPercent = 8;
    private const int MaxPercent = 75;

    /// <summary>Writes a text, or the part of it with the strongest spans.</summary>
    /// <param name="text">The text.</param>
    /// <param name="spans">The spans, in the order of the text.</param>
    /// <param name="maxCharacters">The most characters.</param>
    /// <param name="kind">The class of positive spans.</param>
    public static string Write(string text, IReadOnlyList<TextSpan> spans, int maxCharacters, string kind = "for")
    {
        double strongest = StrongestOf(spans);
        var (from, to) = Part(text, spans, maxCharacters);
        var page = new StringBuilder("<p class=\"text\">");
        if (from > 0)
            page.Append("<span class=\"muted\">[...]</span> ");
        int place = from;
        foreach (var span in spans)
        {
            if (span.Start < place || span.End > to)
                continue;
            page.Append(Html.Escape(text[place..span.Start]));
            int percent = (int)Math.Round(MaxPercent * Math.Min(1, Math.Abs(span.Contribution) / strongest));
            string part = Html.Escape(text[span.Start..span.End]);
            if (percent < MinPercent)
                page.Append(part);
            else
                page.Append($"<mark class=\"{(span.Contribution > 0 ? kind : "against")}\" style=\"--a:{percent}%\">{part}</mark>");
            place = span.End;
        }
        page.Append(Html.Escape(text[place..to]));
        if (to < text.Length)
            page.Append(" <span class=\"muted\">[...]</span>");
        return page.Append("</p>").ToString();
    }

    // The contribution with the strongest color: that of about the hundredth part of the spans, so that one extreme word does not make all others pale.
    private static double StrongestOf(IReadOnlyList<TextSpan> spans)
    {
        if (spans.Count == 0)
            return 1;
        double[] sorted = [.. spans.Select(span => Math.Abs(span.Contribution)).Order()];
        double strongest = sorted[sorted.Length - 1 - (sorted.Length / 100)];
        return strongest > 0 ? strongest : 1;
    }

    // The part with the largest sum of contributions of either sign, from the beginning of a span; the earliest of equal ones.
    private static (int From, int To) Part(string text, IReadOnlyList<TextSpan> spans, int maxCharacters)
    {
        if (text.Length <= maxCharacters)
            return (0, text.Length);
        int best = 0;
        double largest = double.NegativeInfinity, sum = 0;
        for (int first = 0, end = 0; first < spans.Count; first++)
        {
            int from = first == 0 ? 0 : spans[first].Start;
            for (; end < spans.Count && spans[end].End <= from + maxCharacters; end++)
                sum += Math.Abs(spans[end].Contribution);
            if (sum > largest * (1 + 1e-9))
                (best, largest) = (from, sum);
            if (end > first)
                sum -= Math.Abs(spans[first].Contribution);
            else
                end = first + 1;
        }
        int to = Math.Min(text.Length, best + maxCharacters);
        // No half of a surrogate pair.
        return (best, to < text.Length && char.IsSurrogatePair(text[to - 1], text[to]) ? to - 1 : to);
    }
}
