using Maha.MLNet.Explanation;
using Maha.Report.Charts;
using Microsoft.ML;

namespace Maha.Report.Content;

/// <summary>The page of a report.</summary>
internal static class ReportPage
{
    private const int LengthGroups = 6;
    private const int InspectedExamples = 2;

    /// <summary>Evaluates the model and returns the page.</summary>
    /// <exception cref="ArgumentException">The test data have no document with a label of the model.</exception>
    /// <exception cref="OperationCanceledException">The report was canceled.</exception>
    public static string Create(ReportedModel model, ITransformer transformer, IDataView testData, ReportOptions options)
    {
        var test = TestResult.Compute(model, transformer, testData, options.NumberOfHighlights, options.CancellationToken);
        var training = options.TrainingData is { } data ? DataHash.Compute(data, model, options.CancellationToken) : null;
        var metrics = new Metrics(test.Rows, test.Labels.Count);
        var page = new Html();
        page.Markup("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
            .Markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
            // The page loads nothing and runs nothing, whatever the data say.
            .Markup("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">")
            .Markup("<meta name=\"color-scheme\" content=\"light dark\">")
            .Element("title", options.Title).Markup("<style>").Markup(Style.Value).Markup("</style></head><body><main>");
        AddSummary(page, model, test, metrics, options);
        AddTraining(page, options.History);
        ErrorSections.Add(page, test, metrics);
        AddCharts(page, test, metrics, model.Classifier.Manifest.AbstentionThreshold);
        AddHighlights(page, model, test, options);
        AddNetwork(page, model, test, options);
        CardSections.Add(page, model, test, training, options);
        return page.Markup("</main></body></html>\n").ToString();
    }

    private static void AddSummary(Html page, ReportedModel model, TestResult test, Metrics metrics, ReportOptions options)
    {
        page.Markup("<header>").Element("h1", options.Title);
        page.Element("p class=\"muted\"", $"{model.Trainer}, with {test.Labels.Count} labels, tested on {Numbers.Count(test.Rows.Count)} documents.");
        if (!string.IsNullOrWhiteSpace(options.Description))
            page.Element("p class=\"text\"", options.Description);
        page.Markup("<dl class=\"tiles\">");
        Tile("accuracy", Numbers.Percent(metrics.Accuracy));
        Tile("macro F1", Numbers.Fixed(metrics.MacroF1));
        Tile("log loss", Numbers.Fixed(metrics.LogLoss));
        Tile("calibration error", Numbers.Fixed(metrics.CalibrationError));
        page.Markup("</dl>");
        if (test.Unlabeled > 0)
        {
            page.Element(
                "p class=\"note\"", $"{Numbers.Count(test.Unlabeled)} documents have no label, or one that the model does not know, and are left out.");
        }
        page.Markup("</header>");

        void Tile(string name, string value) => page.Markup("<div>").Element("dt", name).Element("dd", value).Markup("</div>");
    }

    private static void AddTraining(Html page, TrainingHistory? history)
    {
        if (history is null || (history.Steps.Count == 0 && history.Epochs.Count == 0))
            return;
        page.Markup("<section>").Element("h2", "Training").Markup("<div class=\"charts\">").Markup(ReportCharts.Loss(history.Steps, history.Epochs));
        if (history.Epochs.Any(epoch => epoch.Accuracy is not null && epoch.MacroF1 is not null))
            page.Markup(ReportCharts.Validation(history.Epochs));
        page.Markup("</div>").Element(
            "p class=\"note\"", "Of the network alone, on its validation documents. N-grams are fitted in addition and are not in these curves.").Markup("</section>");
    }

    private static void AddCharts(Html page, TestResult test, Metrics metrics, double? abstention)
    {
        page.Markup("<section>").Element("h2", "When to trust it").Markup("<div class=\"charts\">");
        page.Markup(ReportCharts.Reliability(metrics.Bins));
        var coverage = Metrics.Coverage(test.Rows);
        page.Markup(ReportCharts.Coverage(coverage));
        page.Markup(ReportCharts.ByLength(Metrics.ByLength(test.Rows, LengthGroups)));
        page.Markup("<figure>").Element("figcaption", "Coverage by threshold").Markup("<div class=\"scroll\"><table><thead><tr>")
            .Element("th", "answered from a confidence of").Element("th class=\"n\"", "coverage").Element("th class=\"n\"", "accuracy").Markup("</tr></thead><tbody>");
        double[] thresholds = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
        foreach (double threshold in thresholds.Concat(abstention is { } own ? [own] : Array.Empty<double>()).Distinct().Order())
        {
            string name = threshold == 0 ? "all documents" : Numbers.Percent(threshold) + (threshold == abstention ? ", the model's threshold" : "");
            var point = coverage.LastOrDefault(point => point.Confidence >= threshold);
            page.Markup("<tr>").Element("td", name).Element("td class=\"n\"", Numbers.Percent(point.Coverage))
                .Element("td class=\"n\"", point.Coverage > 0 ? Numbers.Percent(point.Accuracy) : "-").Markup("</tr>");
        }
        page.Markup("</tbody></table></div></figure></div></section>");
    }

    private static void AddHighlights(Html page, ReportedModel model, TestResult test, ReportOptions options)
    {
        if (test.Right.Count + test.Wrong.Count == 0)
            return;
        page.Markup("<section>").Element("h2", "Why: highlights of predictions");
        page.Markup("<p class=\"note\"><mark class=\"for\" style=\"--a:60%\">Words like this</mark> speak for the predicted label, ")
            .Markup("<mark class=\"against\" style=\"--a:60%\">words like this</mark> against it; the stronger the color, the more.</p>");
        Examples("Wrong, with the highest confidence", test.Wrong);
        Examples("Right", test.Right);
        page.Markup("</section>");

        void Examples(string title, IReadOnlyList<JudgedExample> examples)
        {
            if (examples.Count == 0)
                return;
            page.Element("h3", title);
            foreach (var example in examples)
            {
                options.CancellationToken.ThrowIfCancellationRequested();
                var explanation = model.Explain(example.Text, options.Explanation, options.CancellationToken);
                page.Markup("<article><h4>").Text($"predicted {test.Labels[example.Row.Predicted]} ({Numbers.Percent(example.Row.Confidence)})");
                if (!example.Row.IsRight)
                    page.Text($", labeled {test.Labels[example.Row.Label]}");
                page.Markup("</h4>").Markup(HighlightedText.Write(example.Text, explanation.Spans, options.MaxHighlightCharacters)).Markup("</article>");
            }
        }
    }

    private static void AddNetwork(Html page, ReportedModel model, TestResult test, ReportOptions options)
    {
        JudgedExample[] examples = [.. test.Right.Concat(test.Wrong).Where(example => example.Row.Words > 0).Take(InspectedExamples)];
        if (model.Classifier.Manifest.NGrams is { Deep: 0 } || examples.Length == 0)
            return;
        IReadOnlyList<LayerInspection>[] layers = [.. examples.Select(example =>
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            return model.Classifier.Inspect(example.Text.AsMemory());
        })];
        bool hasScales = layers[0].Any(layer => layer.ScaleWeights is not null), hasAttention = layers[0].Any(layer => layer.Attention.Count > 0);
        if (!hasScales && !hasAttention)
            return;
        page.Markup("<section>").Element("h2", "Inside the network");
        if (hasScales)
            page.Markup("<div class=\"charts\">").Markup(ReportCharts.ScaleWeights(layers[0])).Markup("</div>");
        if (hasAttention)
        {
            page.Element(
                "p class=\"note\"",
                "The attention that words receive from all words, the mean over heads and scales: the stronger the color, the further above the mean. " +
                "It shows where the network looks, not what decides.");
            for (int i = 0; i < examples.Length; i++)
            {
                LayerInspection[] shown = [.. layers[i].Where(layer => layer.Attention.Count > 0)];
                foreach (var layer in shown.Length > 1 ? [shown[0], shown[^1]] : shown)
                {
                    page.Markup("<article>").Element("h4", $"{layer.Name}, a document of {test.Labels[examples[i].Row.Label]}");
                    TextSpan[] above = [.. layer.Attention.Select(span => span with { Contribution = Math.Max(0, span.Contribution - 1) })];
                    page.Markup(HighlightedText.Write(examples[i].Text, above, options.MaxHighlightCharacters, kind: "read")).Markup("</article>");
                }
            }
        }
        page.Markup("</section>");
    }
}
