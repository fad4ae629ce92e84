using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AutoML;
using Maha.Layers.Core;
using Maha.MLNet.AutoML;
using Maha.Samples.Data.ManualPages;
using Maha.Samples.Shared;
using Microsoft.ML;
using Microsoft.ML.AutoML;
using TorchSharp;

// After Ctrl+C the best model is still tested and saved, which takes longer than the two seconds that a command has by default.
var command = SampleOptions.Command(
    (options, cancellation) => ErrorReport.RunAsync(() => Search(options, cancellation), e => e is TorchUnavailableException));
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(5) });

static async Task<int> Search(SampleOptions options, CancellationToken cancellation)
{
    TorchLibrary.EnsureLoaded();
    torch.set_num_threads(options.Threads);
    CommandLineRules.CreateFolderOf(options.Model);
    var mlContext = new MLContext(options.Seed);
    var (train, test) = Load(mlContext, options);
    var split = mlContext.Data.TrainTestSplit(train, testFraction: 0.2, seed: options.Seed);
    var watch = Stopwatch.StartNew();

    var record = new ExperimentRecord(new TrialLines(Console.Out));
    var best = await mlContext.Auto().CreateExperiment()
        .SetRecordedPipeline(Candidates.Pipeline(mlContext, options), record)
        .SetDataset(split)
        .SetMulticlassClassificationMetric(MulticlassClassificationMetric.MicroAccuracy, "Label")
        .SetTrainingTimeInSeconds((uint)options.Seconds)
        .SetMaxModelToExplore(options.Trials)
        .RunAsync(cancellation);

    Console.WriteLine();
    record.WriteLeaderBoard(Console.Out, "accuracy");
    double seconds = watch.Elapsed.TotalSeconds;
    double accuracy = mlContext.MulticlassClassification.Evaluate(best.Model.Transform(test)).MicroAccuracy;
    mlContext.Model.SaveSafely(best.Model, train.Schema, options.Model);
    Console.WriteLine();
    Console.WriteLine($"saved as {Path.GetFullPath(options.Model)}");
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"best_trial={best.TrialSettings.TrialId} validation_accuracy={best.Metric:F4} "
        + $"test_accuracy={accuracy:F4} trials={record.Trials.Count} seconds={seconds:F0}"));
    (best.Model as IDisposable)?.Dispose();
    return 0;
}

static (IDataView Train, IDataView Test) Load(MLContext mlContext, SampleOptions options)
{
    if (options.Data is { } own)
    {
        if (options.Test is { } other)
            return (Read(mlContext, own.FullName), Read(mlContext, other.FullName));
        var split = mlContext.Data.TrainTestSplit(Read(mlContext, own.FullName), testFraction: 0.2, seed: options.Seed);
        return (split.TrainSet, split.TestSet);
    }
    string folder = ManualPageData.DefaultFolder;
    ManualPageData.Prepare(folder, Console.WriteLine);
    return (Read(mlContext, ManualPageData.TrainFile(folder, "section")), Read(mlContext, ManualPageData.TestFile(folder, "section")));
}

static IDataView Read(MLContext mlContext, string path) => File.Exists(path)
    ? mlContext.Data.LoadFromEnumerable(ManualPageData.Read(path).Select(page => new Document { Label = page.Label, Text = page.Text }).ToList())
    : throw new InvalidOperationException($"--data and --test must name files, but there is no '{path}'.");
