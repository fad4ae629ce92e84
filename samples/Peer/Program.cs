using System.CommandLine;
using System.Diagnostics;
using Maha.Samples.Shared;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TorchSharp;
using Peer;

// 0: trained and evaluated; 1: wrong arguments or documents; 3: ML.NET's classifier can't be had here.
const int Unavailable = 3;

var epochs = new Option<int>("--epochs") { Description = "how often training sees every document", DefaultValueFactory = _ => 10 };
CommandLineRules.AtLeastOne(epochs);
var command = new RootCommand(
    "Trains ML.NET's own text classifier, a small pretrained transformer that reads the first 512 tokens, on the documents of samples/TextClassification.");
var readDocuments = DocumentOptions.AddTo(command);
command.Options.Add(epochs);
command.SetAction(parsed => ErrorReport.Run(() => Run(readDocuments(parsed), parsed.GetValue(epochs))));
return command.Parse(args).Invoke();

static int Run(DocumentOptions options, int epochs)
{
    var mlContext = new MLContext(options.Seed);
    var (train, test) = Documents.Load(mlContext, options, Console.WriteLine);
    var watch = Stopwatch.StartNew();
    MulticlassClassificationMetrics metrics;
    try
    {
        metrics = Evaluate(mlContext, train, test, epochs);
    }
    catch (Exception e) when (Obstacle.Of(e) is { } obstacle)
    {
        Console.Error.WriteLine(obstacle);
        return Unavailable;
    }
    double baseline = Baseline.Accuracy(mlContext, train, test);
    Console.WriteLine(Summary.Line(metrics, baseline, watch.Elapsed.TotalSeconds));
    return 0;
}

static MulticlassClassificationMetrics Evaluate(MLContext mlContext, IDataView train, IDataView test, int epochs)
{
    var model = mlContext.Transforms.Conversion.MapValueToKey("Label")
        .Append(mlContext.MulticlassClassification.Trainers.TextClassification(sentence1ColumnName: "Text", maxEpochs: epochs))
        .Fit(train);
    return mlContext.MulticlassClassification.Evaluate(model.Transform(test));
}
