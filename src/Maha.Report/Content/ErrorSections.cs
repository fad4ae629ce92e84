namespace Maha.Report.Content;

/// <summary>The sections about labels: the confusion table and the metrics of each label.</summary>
internal static class ErrorSections
{
    // More columns cannot be read.
    private const int MaxLabels = 24;

    /// <summary>Writes the sections.</summary>
    public static void Add(Html page, TestResult test, Metrics metrics)
    {
        page.Markup("<section>").Element("h2", "Labels");
        int[] shown = Choose(metrics);
        string which = shown.Length < test.Labels.Count ? $"The {shown.Length} labels of {test.Labels.Count} with the most documents that are confused. " : "";
        page.Element("p class=\"note\"", which + "Row: label of the document; column: predicted label.");
        page.Markup("<div class=\"tables\">");
        AddConfusion(page, test.Labels, metrics, shown);
        AddLabels(page, test.Labels, metrics, shown);
        page.Markup("</div></section>");
    }

    private static int[] Choose(Metrics metrics)
    {
        int count = metrics.Labels.Count;
        var all = Enumerable.Range(0, count);
        return count <= MaxLabels
            ? [.. all]
            : [.. all.OrderByDescending(Confused).ThenByDescending(label => metrics.Labels[label].Documents).Take(MaxLabels).Order()];

        int Confused(int label)
        {
            int sum = 0;
            for (int other = 0; other < count; other++)
                sum += other == label ? 0 : metrics.Confusion[label, other] + metrics.Confusion[other, label];
            return sum;
        }
    }

    private static void AddConfusion(Html page, IReadOnlyList<string> labels, Metrics metrics, int[] shown)
    {
        page.Markup("<div class=\"scroll\"><table class=\"confusion\"><thead><tr><th></th>");
        foreach (int label in shown)
            page.Markup("<th class=\"c\"><span>").Text(labels[label]).Markup("</span></th>");
        page.Markup("</tr></thead><tbody>");
        foreach (int label in shown)
        {
            page.Markup("<tr>").Element("th", labels[label]);
            foreach (int predicted in shown)
            {
                int count = metrics.Confusion[label, predicted];
                int percent = count == 0 ? 0 : 6 + (int)(64.0 * count / metrics.Labels[label].Documents);
                page.Element($"td class=\"n {(label == predicted ? "right" : "wrong")}\" style=\"--a:{percent}%\"", count == 0 ? "" : Numbers.Count(count));
            }
            page.Markup("</tr>");
        }
        page.Markup("</tbody></table></div>");
    }

    private static void AddLabels(Html page, IReadOnlyList<string> labels, Metrics metrics, int[] shown)
    {
        page.Markup("<div class=\"scroll\"><table><thead><tr><th>label</th>");
        foreach (string column in new[] { "documents", "precision", "recall", "F1" })
            page.Element("th class=\"n\"", column);
        page.Markup("</tr></thead><tbody>");
        foreach (int label in shown)
        {
            var (documents, precision, recall, f1) = metrics.Labels[label];
            page.Markup("<tr>").Element("th", labels[label]);
            foreach (string value in new[] { Numbers.Count(documents), Numbers.Fixed(precision), Numbers.Fixed(recall), Numbers.Fixed(f1) })
                page.Element("td class=\"n\"", value);
            page.Markup("</tr>");
        }
        page.Markup("</tbody></table></div>");
    }
}
