using System.Globalization;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>length --train FILE --test FILE</c> or <c>--folds FILE</c>: whether a classifier uses the length of its documents.
/// The same model is trained on whole documents and on their first tokens, and both are tested on the same documents.
/// </summary>
/// <remarks>
/// A file has one document per line: label TAB text, with TAB fold number in a file of folds (a model that is trained on the others is tested on each).
/// Results are appended to a file as they come, and a run with the same options continues where the last one ended.
/// </remarks>
internal static class LengthCommand
{
    private sealed record Row(string Label, string Text, int Fold);

    private sealed record Settings(int Cut, int MaxTokens, int Epochs, int DModel, int Layers,
        int TokensPerBatch, double LearningRate, PoolingKind Pooling, bool Cuda);

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        string train = options.Text("--train", ""), test = options.Text("--test", ""), folds = options.Text("--folds", "");
        string log = options.Text("--results", "");
        var wanted = options.Integers("--fold", [1, 2, 3, 4, 5]);
        set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        var settings = new Settings(
            options.Integer("--cut", 512), options.Integer("--max-tokens", 16384), options.Integer("--epochs", 12), options.Integer("--d-model", 128),
            options.Integer("--layers", 2), options.Integer("--tokens-per-batch", 8192),
            double.Parse(options.Text("--learning-rate", "0.002"), CultureInfo.InvariantCulture),
            Enum.Parse<PoolingKind>(options.Text("--pooling", nameof(PoolingKind.MeanMax))), options.Flag("--cuda"));
        int seed = options.Integer("--seed", 1);
        options.RefuseLeft();
        bool byFolds = folds.Length > 0;
        if (byFolds == (train.Length > 0 && test.Length > 0))
            throw new UsageException("length needs either --folds FILE or --train FILE and --test FILE.");
        if (settings.Cuda && !cuda.is_available())
            throw new UsageException("--cuda needs a CUDA device, but torch finds none.");

        var rows = byFolds ? Read(folds, fold: null) : [.. Read(train, fold: 0), .. Read(test, fold: 1)];
        int[] runs = byFolds ? wanted.Select(fold => fold - 1).ToArray() : [1];
        EnvironmentHeader.Print(Console.Out);
        var done = log.Length > 0 && File.Exists(log) ? File.ReadAllLines(log).Where(line => line.StartsWith("run ", StringComparison.Ordinal)).ToList() : [];
        foreach (int fold in runs)
        {
            foreach (int limit in new[] { settings.Cut, settings.MaxTokens })
            {
                string key = $"run fold={fold} tokens={limit} seed={seed} {settings}";
                if (done.Any(line => line.StartsWith(key, StringComparison.Ordinal)))
                    continue;
                var (all, longer, seconds) = Judge(rows.Where(row => row.Fold != fold), [.. rows.Where(row => row.Fold == fold)], limit, settings, seed);
                string line = string.Create(CultureInfo.InvariantCulture,
                    $"{key} :: right={all.Right} of={all.Count} right_long={longer.Right} of_long={longer.Count} seconds={seconds:F0}");
                Console.WriteLine(line);
                done.Add(line);
                if (log.Length > 0)
                    File.AppendAllLines(log, [line]);
            }
        }
        foreach (int limit in new[] { settings.Cut, settings.MaxTokens })
        {
            var lines = runs.Select(
                fold => done.First(line => line.StartsWith($"run fold={fold} tokens={limit} seed={seed} {settings}", StringComparison.Ordinal))).ToList();
            double Sum(string name) => lines.Sum(line => double.Parse(line.Split($" {name}=")[1].Split(' ')[0], CultureInfo.InvariantCulture));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"max_tokens={limit} accuracy={Sum("right") / Sum("of"):F4} "
                    + $"accuracy_over_{settings.Cut}_tokens={Sum("right_long") / Math.Max(1, Sum("of_long")):F4} documents={Sum("of"):F0} "
                    + $"of_them_long={Sum("of_long"):F0}"));
        }
        return ExitCode.Success;
    }

    private static ((int Right, int Count) All, (int Right, int Count) Long, double Seconds) Judge(
        IEnumerable<Row> training, List<Row> testing, int limit, Settings settings, int seed)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var learn = training.ToList();
        string[] labels = [.. learn.Select(row => row.Label).Distinct().Order(StringComparer.Ordinal)];
        var tokenizer = ByteLevelBpeTokenizer.Train(learn.Select(row => row.Text));
        var limits = new TokenizedDatasetOptions { MaxDocumentTokens = limit };
        using var documents = TokenizedDataset.FromTexts(learn.Select(row => (row.Text, Array.IndexOf(labels, row.Label))), tokenizer, limits);
        MahaSequenceClassifier model;
        using (new RandomStateScope(seed))
        {
            model = new MahaSequenceClassifier(new MahaTransformerOptions
            {
                VocabSize = tokenizer.VocabSize,
                DModel = settings.DModel,
                NumHeads = 4,
                NumLayers = settings.Layers,
                MaxSequenceLength = settings.MaxTokens,
                Positions = PositionKind.Rotary,
                Pooling = settings.Pooling,
            }, labels.Length);
        }
        using var owned = model;
        var trainer = new Trainer(new TrainingOptions
        {
            NumberOfEpochs = settings.Epochs,
            LearningRate = settings.LearningRate,
            TokensPerBatch = settings.TokensPerBatch,
            Seed = seed,
            EarlyStoppingMetric = ValidationMetric.Accuracy,
            EarlyStoppingPatience = null,
            Device = settings.Cuda ? CUDA : CPU,
        });
        var task = new SequenceClassificationTask(model, labels.Length);
        trainer.Train(task, documents);

        (int Right, int Count) all = default, longer = default;
        foreach (bool part in new[] { true, false })
        {
            var rows = testing.Where(row => tokenizer.CountTokens(row.Text) > settings.Cut == part).ToList();
            if (rows.Count == 0)
                continue;
            using var test = TokenizedDataset.FromTexts(rows.Select(row => (row.Text, Array.IndexOf(labels, row.Label))), tokenizer, limits);
            int right = (int)Math.Round(trainer.Evaluate(task, test).Accuracy!.Value * rows.Count);
            all = (all.Right + right, all.Count + rows.Count);
            if (part)
                longer = (right, rows.Count);
        }
        return (all, longer, watch.Elapsed.TotalSeconds);
    }

    private static List<Row> Read(string path, int? fold)
    {
        if (!File.Exists(path))
            throw new UsageException($"there is no file '{path}'. Fetch the manual pages: dotnet run -c Release --project samples/FetchData -- manual-pages");
        return [.. File.ReadLines(path).Select(line => line.Split('\t'))
            .Select(fields => new Row(fields[0], fields[1].Replace(" \u240A ", "\n", StringComparison.Ordinal),
            fold ?? int.Parse(fields[2], CultureInfo.InvariantCulture)))];
    }
}
