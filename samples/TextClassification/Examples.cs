using Maha.Samples.Shared;
using Microsoft.ML;
using Spectre.Console;

namespace TextClassification;

/// <summary>A table of five test documents with their predictions.</summary>
internal static class Examples
{
    public static void Print(MLContext mlContext, ITransformer model, IDataView test)
    {
        using var engine = mlContext.Model.CreatePredictionEngine<Document, Prediction>(model, new PredictionEngineOptions { OwnsTransformer = false });
        var table = new Table().AddColumns("document", "label", "predicted", "probability");
        var documents = mlContext.Data.CreateEnumerable<Document>(mlContext.Data.TakeRows(mlContext.Data.ShuffleRows(test, seed: 1), 5), reuseRowObject: false);
        foreach (var document in documents)
        {
            var prediction = engine.Predict(document);
            string start = string.Join(' ', document.Text.Split((char[]?)null, 12, StringSplitOptions.RemoveEmptyEntries).Take(11));
            table.AddRow(Markup.Escape(start), Markup.Escape(document.Label), Markup.Escape(prediction.PredictedLabel), $"{prediction.Score.Max():P0}");
        }
        AnsiConsole.Write(table);
    }
}
