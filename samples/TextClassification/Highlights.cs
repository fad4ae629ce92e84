using Maha.MLNet.Classification;
using Maha.Samples.Shared;
using Microsoft.ML;
using Spectre.Console;

namespace TextClassification;

/// <summary>The words of three test documents that speak most for and against the predicted label.</summary>
internal static class Highlights
{
    private const int NumWords = 6;

    public static void Print(MLContext mlContext, ITransformer model, IDataView test)
    {
        var classifier = ((IEnumerable<ITransformer>)model).OfType<MahaTextClassificationTransformer>().Single();
        var table = new Table().AddColumns("predicted", "speaks for it", "speaks against it");
        var documents = mlContext.Data.CreateEnumerable<Document>(mlContext.Data.TakeRows(mlContext.Data.ShuffleRows(test, seed: 1), 3), reuseRowObject: false);
        foreach (var document in documents)
        {
            var explanation = classifier.Explain(document.Text);
            // A word that occurs several times counts with all its spans.
            var words = explanation.Spans
                .GroupBy(span => document.Text.Substring(span.Start, span.Length), StringComparer.OrdinalIgnoreCase)
                .Select(spans => (Word: spans.Key, Contribution: spans.Sum(span => span.Contribution)))
                .OrderByDescending(word => word.Contribution)
                .ToList();
            table.AddRow(
                Markup.Escape($"{explanation.Label} ({explanation.Probability:P0})"),
                Markup.Escape(string.Join(", ", words.Take(NumWords).Where(word => word.Contribution > 0).Select(word => word.Word))),
                Markup.Escape(string.Join(", ", words.AsEnumerable().Reverse().Take(NumWords).Where(word => word.Contribution < 0).Select(word => word.Word))));
        }
        AnsiConsole.Write(table);
    }
}
