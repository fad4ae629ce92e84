using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Benchmarks.Classification;

/// <summary>The runs of <see cref="ToolCommand"/> of a model over the same documents.</summary>
internal sealed class ToolRuns
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    private readonly string _tool;
    private readonly string _model;
    private readonly string[] _texts;
    private readonly string _input;
    private readonly string _first;

    /// <summary>Writes the documents.</summary>
    /// <param name="tool">The program of the tool.</param>
    /// <param name="folder">The folder of the files.</param>
    /// <param name="model">The file of the model.</param>
    /// <param name="texts">The documents.</param>
    public ToolRuns(string tool, string folder, string model, string[] texts)
    {
        (_tool, _model, _texts) = (tool, model, texts);
        (_input, _first) = (Path.Combine(folder, $"{texts.Length}.jsonl"), Path.Combine(folder, "1.jsonl"));
        string[] lines = [.. texts.Select((text, i) => JsonSerializer.Serialize(new { id = i, text }))];
        File.WriteAllLines(_input, lines);
        File.WriteAllLines(_first, lines[..1]);
        File.WriteAllLines($"{_input}.texts", texts);
    }

    /// <summary>Measures each way once, and prints a line for each.</summary>
    public void Measure(int threads, int jobs)
    {
        PeakMemory.Reset();
        var watch = Stopwatch.StartNew();
        string[] labels = [.. View(_model, _texts)];
        var view = watch.Elapsed;
        Print("view", view, view, start: null, PeakMemory.Read());
        string self = Path.Combine(AppContext.BaseDirectory, "Maha.Benchmarks.dll");
        watch.Restart();
        double? viewPeak = RunScript($"exec dotnet {self} tool --view {_model} --texts {_input}.texts --threads {threads} > {_input}.out");
        Print("view process", watch.Elapsed, view, start: null, viewPeak);
        string predict = $"dotnet {_tool} predict --model {_model} --keep id --quiet";
        var (start, _) = Time($"exec {predict} --threads {threads} < {_first} > {_input}.out", labels[..1]);
        var (tool, peak) = Time($"exec {predict} --threads {threads} < {_input} > {_input}.out", labels);
        Print("maha", tool, view, start, peak);
        if (jobs > 1)
        {
            var (parallel, _) = Time($"parallel --pipe --keep-order --block 10M -j {jobs} '{predict} --threads 1' < {_input} > {_input}.out", labels);
            Print("parallel maha", parallel, view, start: null, peak: null);
        }
    }

    private (TimeSpan Time, double? Peak) Time(string script, string[] labels)
    {
        var watch = Stopwatch.StartNew();
        double? peak = RunScript(script);
        var time = watch.Elapsed;
        Check($"{_input}.out", labels);
        return (time, peak);
    }

    private void Print(string run, TimeSpan time, TimeSpan view, TimeSpan? start, double? peak)
    {
        double? started = view / (time - start);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileNameWithoutExtension(_model),-8} {run,-14} {_texts.Length,9} {time.TotalSeconds,8:F2} {_texts.Length / time.TotalSeconds,12:F0} "
            + $"{view / time,6:F2} {started,8:F2} {peak,9:F0}"));
    }

    /// <summary>Returns the predicted labels of texts, from the view of a model.</summary>
    public static IEnumerable<string> View(string path, IEnumerable<string> texts)
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

    private sealed class Document
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
