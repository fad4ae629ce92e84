// dotnet run -c Release --project samples/OnnxExport -- documents.tsv exported [minilm|scratch]   (each line of documents.tsv: a label, a tab, a text)
// Trains a classifier and exports it to the folder 'exported', which OnnxMLNet and OnnxConsole score with.
using Maha.MLNet;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;

var mlContext = new MLContext(seed: 1);
mlContext.Log += (_, message) =>
{
    if (message.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning)
        Console.Error.WriteLine(message.Message);
};
var data = mlContext.Data.LoadFromTextFile<Document>(args[0]);
// Without n-grams the exported graph is the whole model.
var options = new MahaTextClassificationTrainer.Options { NGrams = false, MaxTrainingTime = TimeSpan.FromMinutes(5) };
if (args.Length < 3 || args[2] == "minilm")
    options.PretrainedModel = MahaPretrained.MiniLM;
using var model = mlContext.Transforms.Conversion.MapValueToKey("Label")
    .Append(mlContext.MulticlassClassification.Trainers.MahaTextClassification(options)).Fit(data);

// Compared with ONNX Runtime before anything is written.
string[] texts = [.. mlContext.Data.CreateEnumerable<Document>(data, reuseRowObject: false).Take(50).Select(document => document.Text)];
Console.WriteLine(mlContext.Model.ExportToOnnx(model, args[1], texts));

// For comparison with the programs that score: the model's own probabilities of the first texts.
var scores = model.Transform(mlContext.Data.TakeRows(data, 3)).GetColumn<float[]>("Score");
foreach (float[] score in scores)
    Console.WriteLine(string.Join(' ', score.Select(probability => probability.ToString("F4"))));

internal class Document
{
    [LoadColumn(0)] public string Label = "";
    [LoadColumn(1)] public string Text = "";
}
