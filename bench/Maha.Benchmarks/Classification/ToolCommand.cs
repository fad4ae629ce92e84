using Maha.Benchmarks.TextEncoding;
using Maha.MLNet.Classification;
using Microsoft.ML;
using TorchSharp;

namespace Maha.Benchmarks.Classification;

/// <summary>
/// <c>tool [--models NAME...] [--documents N...] [--repetitions R] [--words N] [--threads T] [--jobs J] [--data FILE] [--tool FILE] | --view MODEL --texts
/// FILE [--threads T]</c>: documents per second and peak memory of <c>maha predict</c> over excerpts, in a pipe and under GNU parallel, and of the library's
/// view over the same documents, in turn. Fails if a line is missing, out of order, or has another label. With <c>--view</c>, only the view over the lines
/// of a file.
/// </summary>
internal static class ToolCommand
{
    /// <summary>The command's arguments, as the help shows them.</summary>
    public const string Arguments =
        "[--models NAME...] [--documents N...] [--repetitions R] [--words N] [--threads T] [--jobs J] [--data FILE] [--tool FILE] | --view MODEL --texts FILE "
        + "[--threads T]";

    private const int TrainingDocuments = 1000;
    private const int TrainingWords = 200;
    private const int MaxWords = 2_000_000;

    private const string BuiltTool = "../../../../../src/Maha.Tool/bin/Release/net10.0/Maha.Tool.dll";

    private const string NGrams = "ngrams", Network = "network";

    // A network that has no time to learn has no weight beside the n-grams, and is not computed.
    private static readonly Dictionary<string, TimeSpan> s_trainingTimes = new() { [NGrams] = TimeSpan.FromSeconds(1), [Network] = TimeSpan.FromSeconds(30) };

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        int threads = reader.Integer("--threads", Environment.ProcessorCount);
        torch.set_num_threads(threads);
        if (reader.File("--view") is { } viewed)
        {
            var lines = File.ReadLines(reader.File("--texts") ?? throw new UsageException("--view needs --texts."));
            reader.RefuseLeft();
            Console.WriteLine($"{ToolRuns.View(viewed, lines).Count()} documents");
            return ExitCode.Success;
        }
        var models = reader.Texts("--models", [NGrams, Network]);
        if (models.FirstOrDefault(model => !s_trainingTimes.ContainsKey(model)) is { } unknown)
            throw new UsageException($"--models takes {string.Join(", ", s_trainingTimes.Keys)}, but got '{unknown}'.");
        var counts = reader.Integers("--documents", [10_000, 100_000]);
        int repetitions = reader.Integer("--repetitions", 3);
        int words = reader.Integer("--words", 40), jobs = reader.Integer("--jobs", Environment.ProcessorCount);
        string tool = Path.GetFullPath(reader.File("--tool") ?? Path.Combine(AppContext.BaseDirectory, BuiltTool));
        if (Path.GetExtension(tool) != ".dll")
            throw new UsageException($"--tool must be the tool's assembly, which dotnet starts, but is '{tool}'. Name the file Maha.Tool.dll beside the program.");
        var corpus = EmbeddingCorpus.Read(reader, needsTest: false).Training;
        reader.RefuseLeft();
        string[] all = [.. corpus.SelectMany(document => document.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Take(MaxWords)];
        string folder = Directory.CreateTempSubdirectory("maha-bench-").FullName;
        try
        {
            EnvironmentHeader.Print(Console.Out);
            Console.WriteLine($"# excerpts of {words / 2} to {words * 3 / 2} words, {threads} threads, {jobs} jobs under parallel");
            Console.WriteLine("# view: in a process that is warm; view process: from the start of a process to its end, as maha");
            Console.WriteLine("# speed: documents/s as a share of those of the view; started: the same without the time of a run over one document");
            Console.WriteLine(
                $"{"model",-8} {"run",-14} {"documents",9} {"seconds",8} {"documents/s",12} {"speed",6} {"started",8} {"peak MiB",9}");
            foreach (string name in models)
            {
                string model = Path.Combine(folder, name + ".zip");
                Train(corpus, model, name);
                foreach (int count in counts)
                {
                    var runs = new ToolRuns(tool, folder, model, [.. Excerpts(all, count, words)]);
                    for (int repetition = 0; repetition < repetitions; repetition++)
                        runs.Measure(threads, jobs);
                }
            }
            return ExitCode.Success;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Train(List<LabeledDocument> corpus, string path, string name)
    {
        var mlContext = new MLContext(1);
        var random = new Random(1);
        var data = mlContext.Data.LoadFromEnumerable(corpus.OrderBy(_ => random.Next()).Take(TrainingDocuments).Select(document => new Document
        {
            Text = string.Join(' ', document.Text.Split((char[]?)null, TrainingWords + 1, StringSplitOptions.RemoveEmptyEntries).Take(TrainingWords)),
            Label = document.Label,
        }).ToList());
        using var model = mlContext.Transforms.Conversion.MapValueToKey(nameof(Document.Label))
            .Append(mlContext.MulticlassClassification.Trainers.MahaTextClassification(new MahaTextClassificationTrainer.Options
            {
                NGrams = name == NGrams,
                MaxTrainingTime = s_trainingTimes[name],
            }))
            .Fit(data);
        mlContext.Model.SaveSafely(model, data.Schema, path);
    }

    private static IEnumerable<string> Excerpts(string[] words, int count, int length)
    {
        var random = new Random(length);
        for (int i = 0; i < count; i++)
        {
            int size = Math.Min(words.Length, random.Next(length / 2, length * 3 / 2) + 1);
            yield return string.Join(' ', words, random.Next(words.Length - size + 1), size);
        }
    }

    private sealed class Document
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
