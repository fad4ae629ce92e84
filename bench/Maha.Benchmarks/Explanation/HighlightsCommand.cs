using System.Diagnostics;
using System.Globalization;
using Maha.MLNet.Classification;
using Maha.MLNet.Explanation;
using Maha.Samples.Data.ManualPages;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace Maha.Benchmarks.Explanation;

/// <summary>
/// <c>highlights --model ZIP --test FILE</c>: how much the probability of the predicted label falls when the spans that speak most for it are deleted,
/// compared with random spans of the same total length.
/// </summary>
/// <remarks>
/// The spans that contribute most are deleted, one after the other, until they have a share of the characters of all spans. A deleted span becomes a space, so
/// that the words around it stay apart. The random spans are drawn from the same list.
/// </remarks>
internal static class HighlightsCommand
{
    /// <summary>The command's arguments, as the help shows them.</summary>
    public const string Arguments = "--model ZIP --test FILE [--documents N] [--percent P] [--draws N] [--windows N] [--seed S] [--threads T]";

    private static readonly (string Name, Func<TextExplanation, IReadOnlyList<TextSpan>> Choose)[] s_lists =
    [
        ("joined", explanation => explanation.Spans),
        ("n-grams", explanation => explanation.NGramSpans),
        ("network", explanation => explanation.NetworkSpans),
    ];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        string path = reader.File("--model") ?? throw new UsageException("highlights needs --model ZIP.");
        string test = reader.File("--test") ?? throw new UsageException("highlights needs --test FILE.");
        int documents = reader.Integer("--documents", 100), draws = reader.Integer("--draws", 3), seed = reader.Integer("--seed", 1);
        double percent = reader.Number("--percent", 10);
        var options = new ExplanationOptions { MaxWindows = reader.Integer("--windows", new ExplanationOptions().MaxWindows) };
        torch.set_num_threads(reader.Integer("--threads", Environment.ProcessorCount));
        reader.RefuseLeft();
        if (percent is 0 or >= 100)
            throw new UsageException($"--percent must be above 0 and below 100, but is {percent}.");

        var mlContext = new MLContext(1);
        using var chain = (IDisposable)mlContext.Model.Load(path, out _);
        var model = chain as MahaTextClassificationTransformer ?? ((IEnumerable<ITransformer>)chain).OfType<MahaTextClassificationTransformer>().Single();
        string[] texts = [.. ManualPageData.Read(test).Select(page => page.Text)];
        new Random(seed).Shuffle(texts);
        texts = [.. texts.Take(documents)];
        var drops = s_lists.Select(_ => new Drops()).ToArray();
        double before = 0, seconds = 0;
        for (int i = 0; i < texts.Length; i++)
        {
            long started = Stopwatch.GetTimestamp();
            var explanation = model.Explain(texts[i], label: null, options);
            seconds += Stopwatch.GetElapsedTime(started).TotalSeconds;
            before += explanation.Probability;
            int label = model.Labels.ToList().IndexOf(explanation.Label);
            for (int list = 0; list < s_lists.Length; list++)
            {
                var spans = s_lists[list].Choose(explanation);
                if (spans.Count == 0)
                    continue;
                double budget = spans.Sum(span => span.Length) * percent / 100;
                var random = new Random(seed + i);
                List<string> changed = [Without(texts[i], Take(spans.OrderByDescending(span => span.Contribution), budget))];
                for (int draw = 0; draw < draws; draw++)
                    changed.Add(Without(texts[i], Take(spans.OrderBy(_ => random.Next()).ToList(), budget)));
                double[] probabilities = [.. Probabilities(mlContext, model, changed, label)];
                drops[list].Add(explanation.Probability - probabilities[0], probabilities.Skip(1).Average(value => explanation.Probability - value));
            }
        }

        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"# {texts.Length} documents of {Path.GetFileName(test)}, mean probability of the predicted label {before / texts.Length:F4}, " +
            $"{seconds / texts.Length:F2} s per explanation"));
        Console.WriteLine($"{"spans",-8} {"documents",9} {"fall, most telling",18} {"fall, random",12} {"ratio",6}");
        foreach (var ((name, _), drop) in s_lists.Zip(drops).Where(pair => pair.Second.Count > 0))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-8} {drop.Count,9} {drop.Telling,18:F4} {drop.Random,12:F4} {drop.Telling / Math.Max(1e-9, drop.Random),6:F1}"));
        }
        return ExitCode.Success;
    }

    // The first spans until they have a number of characters; the last one counts if more than half of it is within the number.
    private static List<TextSpan> Take(IEnumerable<TextSpan> spans, double budget)
    {
        var taken = new List<TextSpan>();
        double left = budget;
        foreach (var span in spans)
        {
            if (left < span.Length / 2.0 && taken.Count > 0)
                break;
            taken.Add(span);
            left -= span.Length;
        }
        return taken;
    }

    private static string Without(string text, List<TextSpan> spans)
    {
        string changed = text;
        foreach (var span in spans.OrderByDescending(span => span.Start))
            changed = string.Concat(changed.AsSpan(0, span.Start), " ", changed.AsSpan(span.End));
        return changed;
    }

    private static IEnumerable<double> Probabilities(MLContext mlContext, MahaTextClassificationTransformer model, IEnumerable<string> texts, int label)
    {
        var data = mlContext.Data.LoadFromEnumerable(texts.Select(text => new Row { Text = text }));
        return model.Transform(data).GetColumn<float[]>("Score").Select(scores => (double)scores[label]);
    }

    private sealed class Drops
    {
        private double _telling;
        private double _random;

        public int Count { get; private set; }

        public double Telling => _telling / Count;

        public double Random => _random / Count;

        public void Add(double telling, double random)
        {
            _telling += telling;
            _random += random;
            Count++;
        }
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
