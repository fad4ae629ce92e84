using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.TestData.NGrams;
using Microsoft.ML;

namespace Maha.Benchmarks.Classification;

/// <summary>
/// <c>ngrams</c>: the linear part of the text classifier without the network. Of a task's files (<c>--data</c> and <c>--test</c>, or <c>--folds</c>), of made
/// families (<c>--family</c>; all by default), or of many tiny documents (<c>--tiny</c>).
/// </summary>
internal static class NGramsCommand
{
    public const string Arguments =
        "[--data FILE --test FILE | --folds FILE | --family NAME... | --tiny N [--classes C]] [--seeds K] [--threads T] [--bag-of-words]";

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        string? data = options.File("--data"), test = options.File("--test"), folds = options.File("--folds");
        var families = options.Texts("--family", [.. NGramTask.Names]);
        int seeds = options.Integer("--seeds", 3), tiny = options.Integer("--tiny", int.MaxValue), classes = options.Integer("--classes", 2);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Integer("--threads", Environment.ProcessorCount) };
        bool isBag = options.Flag("--bag-of-words");
        options.RefuseLeft();
        if ((data is null) != (test is null) || (data is not null && folds is not null))
            throw new UsageException("ngrams takes --data FILE and --test FILE, or --folds FILE, or neither.");
        if (families.FirstOrDefault(family => !NGramTask.Names.Contains(family)) is { } unknown)
            throw new UsageException($"--family takes {string.Join(", ", NGramTask.Names)}, but got '{unknown}'.");

        EnvironmentHeader.Print(Console.Out);
        var judge = isBag ? (Func<NGramTask, int, NGramScore>)BagOfWords : (family, seed) => NGrams(family, seed, parallel);
        if (data is not null)
        {
            Print(Path.GetFileName(data), seeds, seed => judge(CreateTask(LabeledFile.Read(data, false), LabeledFile.Read(test!, false)), seed));
        }
        else if (folds is not null)
        {
            Print(Path.GetFileName(folds), seeds, seed => NGramScore.Sum([.. CreateTasks(folds).Select(fold => judge(fold, seed))]));
        }
        else if (tiny < int.MaxValue)
        {
            Print($"tiny-{classes}-{tiny}", seeds, seed => judge(Tiny(tiny, classes, seed), seed));
        }
        else
        {
            foreach (string family in families)
                Print(family, seeds, seed => judge(NGramTask.Make(family, seed), seed));
        }

        return ExitCode.Success;
    }

    /// <summary>Tiny documents, whose words name their class three times in four.</summary>
    internal static NGramTask Tiny(int count, int classes, int seed)
    {
        var random = new Random(seed);
        ClassifiedText[] Make(int number) => [.. Enumerable.Range(0, number).Select(_ =>
        {
            int label = random.Next(classes), topic = random.Next(4) == 0 ? random.Next(classes) : label;
            return new ClassifiedText(string.Join(' ', Enumerable.Range(0, 3 + random.Next(6))
                .Select(k => k == 0 ? $"t{topic}w{random.Next(50)}" : $"w{(int)(20_000 * Math.Pow(random.NextDouble(), 3))}")), label);
        })];
        return new NGramTask("tiny", classes, Make(count), Make(2000));
    }

    private static void Print(string name, int seeds, Func<int, NGramScore> judge)
    {
        NGramScore[] results = [.. Enumerable.Range(1, seeds).Select(judge)];
        string Mean(Func<NGramScore, double> of, string format) => results.Average(of).ToString(format, CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name} accuracy={Mean(r => r.Accuracy, "F4")} "
                + $"({string.Join(' ', results.Select(r => r.Accuracy.ToString("F3", CultureInfo.InvariantCulture)))}) "
                + $"logloss={Mean(r => r.LogLoss / r.Count, "F4")} of_prior={Mean(r => r.LogLoss / r.PriorLogLoss, "F3")} "
                + $"worst={results.Max(r => r.LogLoss / r.PriorLogLoss):F3} share_error={results.Max(r => r.LargestShareError):F3} "
                + $"seconds={Mean(r => r.Seconds, "F2")} predict_seconds={Mean(r => r.PredictSeconds, "F2")}"));
    }

    private static NGramScore NGrams(NGramTask family, int seed, ParallelOptions parallel)
    {
        // The tokens are bytes: the n-grams read the text, whatever its tokens are.
        var tokenizer = ByteLevelBpeTokenizer.Train(Array.Empty<string>());
        using var documents = TokenizedDataset.FromTexts(family.Training.Select(row => (row.Text, row.Label)), tokenizer, new TokenizedDatasetOptions { KeepTexts = true });
        var watch = Stopwatch.StartNew();
        var model = new NGramTrainer(documents, family.NumClasses, ClassWeighting.None, seed, parallel).Fit([]).Model;
        double seconds = watch.Elapsed.TotalSeconds;
        watch.Restart();
        double[][] scores = new double[family.Testing.Count][];
        Parallel.For(0, scores.Length, parallel, i => scores[i] = NGramScore.Probabilities(model.Logits(family.Testing[i].Text)));
        return NGramScore.Evaluate(family, scores) with { Seconds = seconds, PredictSeconds = watch.Elapsed.TotalSeconds };
    }

    private static NGramScore BagOfWords(NGramTask family, int seed)
    {
        var mlContext = new MLContext(seed);
        IDataView View(IReadOnlyList<ClassifiedText> rows) =>
            mlContext.Data.LoadFromEnumerable(rows.Select(row => new Row { Text = row.Text, Label = row.Label }));
        var keys = mlContext.Data.LoadFromEnumerable(Enumerable.Range(0, family.NumClasses).Select(label => new Key { Label = label }));
        var watch = Stopwatch.StartNew();
        var model = mlContext.Transforms.Conversion.MapValueToKey("Label", keyData: keys)
            .Append(mlContext.Transforms.Text.FeaturizeText("Features", "Text")).AppendCacheCheckpoint(mlContext)
            .Append(mlContext.MulticlassClassification.Trainers.SdcaMaximumEntropy()).Fit(View(family.Training));
        double seconds = watch.Elapsed.TotalSeconds;
        watch.Restart();
        double[][] scores = [.. mlContext.Data.CreateEnumerable<Scores>(model.Transform(View(family.Testing)), false)
            .Select(row => row.Score.Select(value => (double)value).ToArray())];
        return NGramScore.Evaluate(family, scores) with { Seconds = seconds, PredictSeconds = watch.Elapsed.TotalSeconds };
    }

    private static NGramTask CreateTask(IReadOnlyList<LabeledDocument> training, IReadOnlyList<LabeledDocument> testing)
    {
        var labels = training.Select(document => document.Label).Distinct()
            .Select((label, index) => (label, index)).ToDictionary(pair => pair.label, pair => pair.index);
        return new NGramTask("file", labels.Count, [.. training.Select(document => new ClassifiedText(document.Text, labels[document.Label]))],
            [.. testing.Select(document => new ClassifiedText(document.Text, labels.GetValueOrDefault(document.Label, labels.Count)))]);
    }

    private static IEnumerable<NGramTask> CreateTasks(string path)
    {
        var documents = LabeledFile.Read(path, hasFolds: true);
        foreach (string fold in documents.Select(document => document.Fold).Distinct().Order(StringComparer.Ordinal))
            yield return CreateTask([.. documents.Where(document => document.Fold != fold)], [.. documents.Where(document => document.Fold == fold)]);
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";

        public int Label { get; set; }
    }

    private sealed class Key
    {
        public int Label { get; set; }
    }

    private sealed class Scores
    {
        public float[] Score { get; set; } = [];
    }
}
