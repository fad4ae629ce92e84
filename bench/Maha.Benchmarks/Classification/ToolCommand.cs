using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Maha.Benchmarks.TextEncoding;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace Maha.Benchmarks.Classification;

/// <summary>
/// <c>tool [--documents N...] [--words N] [--threads T] [--jobs J] [--data FILE]</c>: documents per second and peak memory of <c>maha predict</c> over
/// excerpts, in a pipe and under GNU parallel, and of the library's view over the same documents. Fails if a line is missing, out of order, or has another
/// label.
/// </summary>
internal static class ToolCommand
{
    /// <summary>The command's arguments, as the help shows them.</summary>
    public const string Arguments = "[--documents N...] [--words N] [--threads T] [--jobs J] [--data FILE]";

    private const int TrainingDocuments = 1000;
    private const int TrainingWords = 200;
    private const int MaxWords = 2_000_000;

    // The defaults, of which the n-grams decide on so few and short documents, and the network alone.
    private static readonly string[] s_models = ["classifier", "network"];

    private static readonly TimeSpan s_trainingTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var counts = reader.Integers("--documents", [10_000, 100_000]);
        int words = reader.Integer("--words", 40), threads = reader.Integer("--threads", Environment.ProcessorCount),
            jobs = reader.Integer("--jobs", Environment.ProcessorCount);
        var corpus = EmbeddingCorpus.Read(reader, needsTest: false).Training;
        reader.RefuseLeft();
        torch.set_num_threads(threads);
        string[] all = [.. corpus.SelectMany(document => document.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Take(MaxWords)];
        string folder = Directory.CreateTempSubdirectory("maha-bench-").FullName;
        try
        {
            EnvironmentHeader.Print(Console.Out);
            Console.WriteLine($"# excerpts of {words / 2} to {words * 3 / 2} words, {threads} threads, {jobs} jobs under parallel");
            Console.WriteLine($"{"model",-10} {"run",-14} {"documents",9} {"seconds",8} {"documents/s",12} {"peak MiB",9}");
            foreach (string name in s_models)
            {
                string model = Path.Combine(folder, name + ".zip");
                Train(corpus, model, hasNGrams: name == "classifier");
                foreach (int count in counts)
                    Measure(all, folder, model, count, words, threads, jobs);
            }
            return ExitCode.Success;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(string[] all, string folder, string model, int count, int words, int threads, int jobs)
    {
        string input = Path.Combine(folder, $"{count}.jsonl");
        using (var file = new StreamWriter(input))
        {
            foreach (var (text, i) in Excerpts(all, count, words).Select((text, i) => (text, i)))
                file.WriteLine(JsonSerializer.Serialize(new { id = i, text }));
        }
        PeakMemory.Reset();
        var watch = Stopwatch.StartNew();
        string[] labels = [.. Library(model, Excerpts(all, count, words))];
        Print(model, "view", count, watch.Elapsed, PeakMemory.Read());
        string tool = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../../src/Maha.Tool/bin/Release/net10.0/Maha.Tool.dll"));
        string predict = $"dotnet {tool} predict --model {model} --keep id --quiet";
        Pipe("maha", $"exec {predict} --threads {threads} < {input} > {input}.out");
        if (jobs > 1)
            Pipe("parallel maha", $"parallel --pipe --keep-order --block 10M -j {jobs} '{predict} --threads 1' < {input} > {input}.out");

        void Pipe(string name, string script)
        {
            var clock = Stopwatch.StartNew();
            double? peak = RunScript(script);
            Print(model, name, count, clock.Elapsed, name == "maha" ? peak : null);
            Check($"{input}.out", labels);
        }
    }

    private static IEnumerable<string> Library(string path, IEnumerable<string> texts)
    {
        var mlContext = new MLContext();
        using var model = (TransformerChain<ITransformer>)mlContext.Model.Load(path, out _);
        var view = model.Transform(mlContext.Data.LoadFromEnumerable(texts.Select(text => new Document { Text = text })));
        using var cursor = view.GetRowCursor([view.Schema["PredictedLabel"], view.Schema["Score"]]);
        var label = cursor.GetGetter<uint>(view.Schema["PredictedLabel"]);
        var score = cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]);
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["PredictedLabel"].GetKeyValues(ref names);
        string[] classes = [.. names.DenseValues().Select(name => name.ToString())];
        uint key = 0;
        VBuffer<float> scores = default;
        while (cursor.MoveNext())
        {
            label(ref key);
            score(ref scores);
            yield return classes[key - 1];
        }
    }

    // Sums of another order can decide between two classes that are as probable.
    private static void Check(string path, string[] labels)
    {
        int line = 0, others = 0;
        foreach (string text in File.ReadLines(path))
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.GetProperty("id").GetInt32() != line)
                throw new InvalidDataException($"Line {line} of the output must be that of document {line}, but is: {text}");
            others += json.RootElement.GetProperty("predictedLabel").GetString() == labels[line++] ? 0 : 1;
        }
        if (line != labels.Length || others > labels.Length / 1000)
        {
            throw new InvalidDataException(
                $"The output must have {labels.Length} lines with the labels of the view, but has {line}, of which {others} differ.");
        }
    }

    /// <summary>Runs a script and returns the peak memory of its process in MiB.</summary>
    private static double? RunScript(string script)
    {
        var start = new ProcessStartInfo("bash", ["-c", script]) { UseShellExecute = false };
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        using var process = Process.Start(start)!;
        double? peak = null;
        while (!process.WaitForExit(s_poll))
            peak = Peak(process.Id) ?? peak;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"'{script}' must end with 0, but has ended with {process.ExitCode}.");
        return peak;
    }

    private static double? Peak(int process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? null : double.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static void Print(string model, string run, int count, TimeSpan time, double? peak) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{Path.GetFileNameWithoutExtension(model),-10} {run,-14} {count,9} {time.TotalSeconds,8:F1} {count / time.TotalSeconds,12:F0} {peak,9:F0}"));

    private static void Train(List<LabeledDocument> corpus, string path, bool hasNGrams)
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
                NGrams = hasNGrams,
                MaxTrainingTime = s_trainingTime,
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
