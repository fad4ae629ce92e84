using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.TextEncoding;
using Maha.Extensions.AI;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace Maha.Benchmarks.Serving;

/// <summary>
/// <c>serve [--threads N...] [--torch-threads N...] [--words N] [--seconds S] [--rounds R] [--data FILE]</c>: documents per second and latency of the ways to
/// serve a classifier and an encoder from many threads: one locked prediction engine, a pool of engines, views of several rows, and an embedding generator.
/// </summary>
/// <remarks>The ways alternate, so that other programs slow all alike. The best round of each is shown, since other programs only add time.</remarks>
internal static class ServeCommand
{
    /// <summary>The command's arguments, as the help shows them.</summary>
    public const string Arguments = "[--threads N...] [--torch-threads N...] [--words N] [--seconds S] [--rounds R] [--data FILE]";

    private const int NumClasses = 4;
    private const int TrainingDocuments = 1000;
    private const int BatchRows = 32;

    private static readonly TimeSpan s_trainingTime = TimeSpan.FromSeconds(1);

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var threads = reader.Integers("--threads", [1, 4, 16]);
        var torchThreads = reader.Integers("--torch-threads", [.. new[] { 1, Environment.ProcessorCount }.Distinct()]);
        int words = reader.Integer("--words", 200);
        double seconds = reader.Number("--seconds", 1);
        int rounds = reader.Integer("--rounds", 5);
        var corpus = EmbeddingCorpus.Read(reader, needsTest: false).Training;
        reader.RefuseLeft();

        var mlContext = new MLContext(1);
        var documents = Documents(corpus.Select(document => document.Text), words);
        var training = mlContext.Data.LoadFromEnumerable(documents.Take(TrainingDocuments));
        var keyed = mlContext.Transforms.Conversion.MapValueToKey(nameof(Document.Label)).Fit(training).Transform(training);
        using var classifier = mlContext.MulticlassClassification.Trainers.MahaTextClassification(new MahaTextClassificationTrainer.Options
        {
            NGrams = false,
            NumberOfEpochs = 1,
            ValidationFraction = 0,
            MaxTrainingTime = s_trainingTime,
        }).Fit(keyed);
        using var generator = new MahaEmbeddingGenerator(mlContext.Transforms.MahaEncode(new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = "Features",
            InputColumnName = nameof(Document.Text),
            NumberOfEpochs = 1,
            MaxTrainingTime = s_trainingTime,
        }).Fit(training));

        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine(
            $"# documents of {words} words, the best of {rounds} rounds of {seconds} s; a request of a view or of 'x {BatchRows}' has {BatchRows} documents");
        Console.WriteLine($"{"way",-22} {"torch threads",13} {"callers",7} {"docs/s",9} {"median ms",10} {"95 % ms",9}");
        foreach (int torchThread in torchThreads)
        {
            torch.set_num_threads(torchThread);
            foreach (int callers in threads)
            {
                var ways = Ways(mlContext, classifier, generator, documents);
                var best = new (double Speed, double Median, double Late)[ways.Length];
                for (int round = 0; round < rounds; round++)
                {
                    for (int way = 0; way < ways.Length; way++)
                    {
                        var measured = Measure(callers, ways[way].Rows, ways[way].Request, TimeSpan.FromSeconds(seconds));
                        best[way] = measured.Speed > best[way].Speed ? measured : best[way];
                    }
                }
                for (int way = 0; way < ways.Length; way++)
                {
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"{ways[way].Name,-22} {torchThread,13} {callers,7} {best[way].Speed,9:F1} {best[way].Median,10:F1} {best[way].Late,9:F1}"));
                }
            }
        }
        return ExitCode.Success;
    }

    // The name of a way, the documents of a request, and the request with a number.
    private static (string Name, int Rows, Action<int> Request)[] Ways(
        MLContext mlContext, MahaTextClassificationTransformer classifier, MahaEmbeddingGenerator generator, Document[] documents)
    {
        var options = new PredictionEngineOptions { OwnsTransformer = false };
        PredictionEngine<Document, Prediction> CreateEngine() => mlContext.Model.CreatePredictionEngine<Document, Prediction>(classifier, options);
        var single = CreateEngine();
        var pool = new ConcurrentBag<PredictionEngine<Document, Prediction>>();
        Document DocumentOf(int request) => documents[request % documents.Length];
        IEnumerable<Document> BatchOf(int request) => Enumerable.Range(0, BatchRows).Select(i => DocumentOf((request * BatchRows) + i));
        return
        [
            ("one engine, locked", 1, request =>
            {
                lock (single)
                    single.Predict(DocumentOf(request));
            }),
            ("pool of engines", 1, request =>
            {
                var engine = pool.TryTake(out var free) ? free : CreateEngine();
                engine.Predict(DocumentOf(request));
                pool.Add(engine);
            }),
            ($"view of {BatchRows} rows", BatchRows, request =>
            {
                foreach (float[] _ in classifier.Transform(mlContext.Data.LoadFromEnumerable(BatchOf(request))).GetColumn<float[]>("Score"))
                    continue;
            }),
            ("generator", 1, request => generator.GenerateAsync([DocumentOf(request).Text]).GetAwaiter().GetResult()),
            ($"generator x {BatchRows}", BatchRows, request =>
                generator.GenerateAsync(BatchOf(request).Select(document => document.Text)).GetAwaiter().GetResult()),
        ];
    }

    // Documents per second, and the median and the 95th percentile of the milliseconds of a request.
    private static (double Speed, double Median, double Late) Measure(int callers, int rows, Action<int> request, TimeSpan time)
    {
        request(0);
        var times = new ConcurrentBag<double>();
        int next = 0;
        long start = Stopwatch.GetTimestamp();
        Thread[] workers = [.. Enumerable.Range(0, callers).Select(_ => new Thread(() =>
        {
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                long began = Stopwatch.GetTimestamp();
                request(Interlocked.Increment(ref next));
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        }))];
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double[] sorted = [.. times.Order()];
        return (sorted.Length * rows / seconds, sorted[sorted.Length / 2], sorted[sorted.Length * 95 / 100]);
    }

    private static Document[] Documents(IEnumerable<string> texts, int length)
    {
        string[] words = [.. texts.SelectMany(text => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Take(length * 2 * TrainingDocuments)];
        return [.. words.Chunk(length).Select((part, i) => new Document { Text = string.Join(' ', part), Label = $"class {i % NumClasses}" })];
    }

    private sealed class Document
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }
}
