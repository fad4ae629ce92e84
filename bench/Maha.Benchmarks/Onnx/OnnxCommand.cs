using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.Classification;
using Maha.Benchmarks.TextEncoding;
using Maha.Layers.Attention;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.Onnx;
using Maha.Onnx.Export;
using Microsoft.ML;
using TorchSharp;

namespace Maha.Benchmarks.Onnx;

/// <summary>
/// <c>onnx [--models M...] [--documents N] [--train N] [--seconds S] [--max-tokens N] [--threads T] [--data FILE --test FILE]</c>: exports classifiers of
/// manual pages, and compares ONNX Runtime with libtorch on the test pages: the largest difference of a probability, equal predictions, accuracy, documents
/// per second.
/// </summary>
/// <remarks>The pages are computed by both in turn, a slice at a time, so that other programs slow both alike. Times include the tokenizer.</remarks>
internal static class OnnxCommand
{
    /// <summary>The command's arguments, as the help shows them.</summary>
    public const string Arguments = "[--models M...] [--documents N] [--train N] [--seconds S] [--max-tokens N] [--threads T] [--data FILE --test FILE]";

    // The pages that one runtime computes before the other does: enough to fill its batches.
    private const int Slice = 50;

    private const int CheckedTexts = 8;

    private static readonly (string Name, Action<MahaTextClassificationTrainer.Options> Set)[] s_models =
    [
        ("pretrained", options => options.PretrainedModel = MahaPretrained.MiniLM),
        ("hsa", options => options.Attention = AttentionKind.Hsa),
        ("ngrams", options => options.NGrams = true),
        ("maha", options => options.Attention = AttentionKind.Maha),
        ("window", options => options.Attention = AttentionKind.Window),
        ("full", options => (options.Attention, options.MaxSequenceLength) = (AttentionKind.Full, 2048)),
    ];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var names = reader.Texts("--models", [.. s_models.Select(model => model.Name)]);
        int documents = reader.Integer("--documents", 500), train = reader.Integer("--train", 600);
        int threads = reader.Integer("--threads", Environment.ProcessorCount);
        double seconds = reader.Number("--seconds", 30);
        int maxTokens = reader.Integer("--max-tokens", int.MaxValue);
        var corpus = EmbeddingCorpus.Read(reader, needsTest: true);
        reader.RefuseLeft();
        if (names.FirstOrDefault(name => s_models.All(model => model.Name != name)) is { } unknown)
            throw new UsageException($"--models must be of {string.Join(", ", s_models.Select(model => model.Name))}, but one is '{unknown}'.");
        torch.set_num_threads(threads);

        EnvironmentHeader.Print(Console.Out);
        string read = maxTokens < int.MaxValue ? $"at most {maxTokens} tokens of a page" : "whole pages";
        Console.WriteLine($"# {documents} pages, {threads} threads, models trained on {train} pages for at most {seconds} s, {read}");
        Console.WriteLine(
            $"{"model",-10} {"difference",10} {"same label",10} {"accuracy",8} {"libtorch docs/s",16} {"ONNX docs/s",12} {"ratio",6} {"file MB",8}");
        LabeledDocument[] training = [.. Spread(corpus.Training, train)], testing = [.. Spread(corpus.Testing, documents)];
        foreach (var (name, set) in s_models.Where(model => names.Contains(model.Name)))
        {
            Measure(name, Set, training, testing, TimeSpan.FromSeconds(seconds), threads);

            void Set(MahaTextClassificationTrainer.Options options)
            {
                set(options);
                if (maxTokens < int.MaxValue)
                    options.MaxSequenceLength = maxTokens;
            }
        }
        return ExitCode.Success;
    }

    private static void Measure(
        string name, Action<MahaTextClassificationTrainer.Options> set, LabeledDocument[] training, LabeledDocument[] testing, TimeSpan time, int threads)
    {
        var mlContext = new MLContext(1);
        var options = new MahaTextClassificationTrainer.Options { NGrams = false, MaxTrainingTime = time };
        set(options);
        var rows = mlContext.Data.LoadFromEnumerable(training.Select(document => new Row { Label = document.Label, Text = document.Text }));
        using var model = mlContext.Transforms.Conversion.MapValueToKey(nameof(Row.Label))
            .Append(mlContext.MulticlassClassification.Trainers.MahaTextClassification(options)).Fit(rows);
        var classifier = (TextClassifier)model.LastTransformer.Model;
        string folder = Directory.CreateTempSubdirectory("maha-onnx-").FullName;
        try
        {
            string[] texts = [.. testing.Select(document => document.Text)];
            var report = mlContext.Model.ExportToOnnx(model, folder, [.. texts.OrderBy(text => text.Length).Take(CheckedTexts), .. texts.Take(CheckedTexts)],
                new OnnxExportOptions { IncludeNGrams = options.NGrams });
            byte[] file = File.ReadAllBytes(Path.Combine(folder, ExportFolder.Model));
            using var runner = new OnnxRunner(file, threads);
            var inputs = OnnxTextReader.Load(folder);
            var (expected, actual) = (new List<float[]>(), new List<float[]>());
            double byTorch = 0, byOnnx = 0;
            foreach (string[] slice in texts.Chunk(Slice))
            {
                byTorch += Seconds(() => expected.AddRange(OnnxExporter.Probabilities(Logits(classifier, slice), classifier.Manifest.Temperature)));
                byOnnx += Seconds(() => actual.AddRange(OnnxExporter.Run(runner, [.. slice.Select(inputs.Read)], GraphNames.Probabilities)));
            }
            var pairs = expected.Zip(actual).ToList();
            double difference = pairs.Max(pair => OnnxExporter.Difference(pair.First, pair.Second));
            int same = pairs.Count(pair => Label(pair.First) == Label(pair.Second));
            double accuracy = actual.Select((row, i) => inputs.Labels[Label(row)] == testing[i].Label ? 1.0 : 0).Average();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-10} {difference,10:G2} {same,6}/{pairs.Count,-3} {accuracy,8:F3} {texts.Length / byTorch,16:F2} {texts.Length / byOnnx,12:F2} "
                + $"{byTorch / byOnnx,6:F2} {file.Length / 1e6,8:F1}"));
            if (report.OmittedNGrams is { } omitted)
                Console.WriteLine($"#   {omitted}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The classifier as a transformer computes it, with its n-grams if it has them.
    private static float[][] Logits(TextClassifier classifier, string[] texts) => classifier.Logits([.. texts.Select(text => text.AsMemory())]);

    private static int Label(float[] row) => Array.IndexOf(row, row.Max());

    private static IEnumerable<LabeledDocument> Spread(List<LabeledDocument> documents, int count)
    {
        count = Math.Min(count, documents.Count);
        return Enumerable.Range(0, count).Select(i => documents[(int)((long)i * documents.Count / count)]);
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";
    }
}
