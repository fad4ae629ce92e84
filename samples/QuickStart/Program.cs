// dotnet run --project samples/QuickStart -- documents.tsv "a text to classify"   (each line of documents.tsv: a label, a tab, a text)
using Maha.MLNet;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;

var mlContext = new MLContext(seed: 1);
var data = mlContext.Data.LoadFromTextFile<Document>(args[0]);
var split = mlContext.Data.TrainTestSplit(data, testFraction: 0.2);
// The network starts from an encoder that knows English. For other languages, leave the options out.
var options = new MahaTextClassificationTrainer.Options { PretrainedModel = MahaPretrained.MiniLM };
var model = mlContext.Transforms.Conversion.MapValueToKey("Label")
    .Append(mlContext.MulticlassClassification.Trainers.MahaTextClassification(options))
    .Append(mlContext.Transforms.Conversion.MapKeyToValue("Topic", "PredictedLabel"))
    .Fit(split.TrainSet);
Console.WriteLine($"accuracy {mlContext.MulticlassClassification.Evaluate(model.Transform(split.TestSet)).MicroAccuracy:F2}");
mlContext.Model.SaveSafely(model, data.Schema, "model.zip");

using var engine = mlContext.Model.CreatePredictionEngine<Document, Prediction>(model);
Console.WriteLine(engine.Predict(new Document { Text = args[1] }).Topic);

internal class Document
{
    [LoadColumn(0)] public string Label = "";
    [LoadColumn(1)] public string Text = "";
}

internal class Prediction
{
    public string Topic = "";
}
