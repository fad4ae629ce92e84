using System.Diagnostics;
using Maha.Layers.Core;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.Report;
using Maha.Samples.Data.ManualPages;
using Maha.Samples.Shared;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using Spectre.Console;
using TextClassification;
using TorchSharp;

return SampleOptions.Command(
    options => ErrorReport.Run(() => Train(options), IsExpected),
    (model, file, threads) => ErrorReport.Run(() => Predict(model, file, threads), IsExpected)).Parse(args).Invoke();

static bool IsExpected(Exception e) => e is TorchUnavailableException or TrainingDivergedException;

static int Train(SampleOptions options)
{
    TorchLibrary.EnsureLoaded();
    torch.set_num_threads(options.Threads);
    CommandLineRules.CreateFolderOf(options.Model);
    CommandLineRules.CreateFolderOf(options.Report);
    if (options.Fresh && Directory.Exists(options.Checkpoints))
        Directory.Delete(options.Checkpoints, recursive: true);
    var mlContext = new MLContext(options.Documents.Seed);
    var log = new List<string>();
    mlContext.Log += (_, message) =>
    {
        if (message.Kind == ChannelMessageKind.Warning)
            AnsiConsole.MarkupLineInterpolated($"[yellow]{message.RawMessage}[/]");
        if (message.Kind is ChannelMessageKind.Warning or ChannelMessageKind.Info && message.Source.Contains("Maha", StringComparison.Ordinal))
            log.Add(message.RawMessage);
        if (message.Kind == ChannelMessageKind.Info && message.Source.Contains("Maha", StringComparison.Ordinal))
            AnsiConsole.WriteLine(message.RawMessage); // what the trainer chose, its epochs, and the weights of n-grams and network
    };
    var (train, test) = Documents.Load(mlContext, options.Documents, Console.WriteLine);
    var watch = Stopwatch.StartNew();

    TrainingHistory? history = null;
    MahaTextClassificationTrainer.Options? trainerOptions = null;
    using var model = TrainingDisplay.Show(progress =>
    {
        history = new TrainingHistory(progress);
        trainerOptions = Classifier.Options(options, history);
        return mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.MulticlassClassification.Trainers.MahaTextClassification(trainerOptions))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabelName", "PredictedLabel"))
            .Fit(train);
    });
    // At once: when Fit has returned, there are no checkpoints any more.
    mlContext.Model.SaveSafely(model, train.Schema, options.Model);
    var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(test));
    Console.WriteLine(metrics.ConfusionMatrix.GetFormattedConfusionTable());

    double baseline = Baseline.Accuracy(mlContext, train, test);
    double seconds = watch.Elapsed.TotalSeconds;
    Examples.Print(mlContext, model, test);
    Highlights.Print(mlContext, model, test);
    mlContext.Model.SaveReport(model, test, options.Report, new ReportOptions
    {
        Title = options.Documents.Data is { } own ? own.Name : $"Manual pages by {options.Documents.Task}",
        History = history,
        TrainerOptions = trainerOptions,
        TrainingData = train,
        Log = log,
    });
    string path = Path.GetFullPath(options.Model);
    Console.WriteLine($"report at {Path.GetFullPath(options.Report)}");
    Console.WriteLine($"saved as {path}");
    Console.WriteLine($"load it with: mlContext.Model.LoadSafely(\"{path}\", out var schema), or: ./run.sh predict --model {path} FILE");
    Console.WriteLine(Summary.Line(metrics, baseline, seconds));
    return 0;
}

static int Predict(string path, FileInfo file, int threads)
{
    TorchLibrary.EnsureLoaded();
    torch.set_num_threads(threads);
    var mlContext = new MLContext();
    // The engine owns the model and frees it.
    using var engine = mlContext.Model.CreatePredictionEngine<Document, Prediction>(mlContext.Model.LoadSafely(path, out _));
    foreach (string line in File.ReadLines(file.FullName))
    {
        string text = TsvText.Decode(line[(line.IndexOf('\t') + 1)..]);
        var prediction = engine.Predict(new Document { Text = text });
        Console.WriteLine(FormattableString.Invariant($"{prediction.PredictedLabel}\t{prediction.Score.Max():R}"));
    }
    return 0;
}
