using System.Globalization;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Classification;

/// <summary>
/// <c>learn --data FILE --test FILE</c> or <c>--folds FILE</c>: the accuracy of the text classifier with its defaults, compared with
/// ML.NET's <c>FeaturizeText</c> and <c>SdcaMaximumEntropy</c> and with variants of the options.
/// </summary>
/// <remarks>
/// A file has one document per line, label TAB text, with TAB fold at the end in a file of folds: a model that is trained on the other folds is tested on
/// each fold, and the predictions of all folds are evaluated together. With <c>--out</c> every training is one line of a file, and a training that is in the
/// file is not repeated. Several processes may share the file.
/// </remarks>
internal static class LearnCommand
{
    private sealed record Fold(string Name, List<LabeledDocument> Training, List<LabeledDocument> Testing);

    public static int Run(string[] args)
    {
        var options = new OptionReader(args, "--options");
        string? data = options.File("--data"), test = options.File("--test"), folds = options.File("--folds"), log = options.File("--out");
        var changes = options.Values("--options") ?? [];
        int numSeeds = options.Integer("--seeds", 1), longWords = options.Integer("--long-words", 512);
        var seeds = options.Integers("--seed", [.. Enumerable.Range(1, numSeeds)]);
        int? numDocuments = options.Integer("--documents", int.MaxValue) is var limit and < int.MaxValue ? limit : null;
        var onlyFolds = options.Texts("--fold", []);
        var skipped = options.Texts("--skip", []);
        set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        string? pretrainedName = options.File("--pretrained");
        var pretrained = PretrainedChoice.Parse(pretrainedName);
        bool onCuda = options.Flag("--cuda"), verbose = options.Flag("--verbose");
        options.RefuseLeft();

        if ((folds is null) == (data is null) || (data is null) != (test is null))
            throw new UsageException("learn needs either --data FILE and --test FILE, or --folds FILE.");
        if (onCuda && !cuda.is_available())
            throw new UsageException("--cuda needs a CUDA device, but torch finds none.");
        if (skipped.FirstOrDefault(name => name is not (LearnVariant.BaselineName or LearnVariant.DefaultName or LearnVariant.NetworkName)) is { } unknown)
            throw new UsageException($"--skip takes {LearnVariant.BaselineName}, {LearnVariant.DefaultName} and {LearnVariant.NetworkName}, but got '{unknown}'.");
        LearnVariant[] variants =
        [
            .. new[] { LearnVariant.Baseline, LearnVariant.Default(pretrained) }.Where(variant => !skipped.Contains(variant.Name)),
            .. pretrainedName is null || skipped.Contains(LearnVariant.NetworkName) ? Array.Empty<LearnVariant>() : [LearnVariant.Network(pretrained)],
            .. changes.Select(text => LearnVariant.Parse(text, pretrained)),
        ];
        var done = log is null ? [] : LearnLog.Read(log);
        var parts = folds is null ? [TrainAndTest(data!, test!)] : Folds(folds, onlyFolds);
        string[] files = folds is null ? [data!, test!] : [folds];
        string contents = string.Join('+', files.Select(LabeledFile.Hash)) + $" documents={numDocuments} long={longWords}";
        string names = string.Join('+', files.Select(Path.GetFileName));

        EnvironmentHeader.Print(Console.Out);
        foreach (var part in parts)
            Describe(part, names);
        bool complete = true;
        foreach (var variant in variants)
        {
            var bySeed = new List<Judgment>();
            foreach (int seed in seeds)
            {
                var ofSeed = new List<Judgment>();
                foreach (var part in parts)
                {
                    var wanted = new LearnRecord
                    {
                        Files = names,
                        Data = contents,
                        Variant = variant.Name,
                        Settings = variant.Settings,
                        Seed = seed,
                        Fold = part.Name,
                        Judgment = new Judgment(),
                        Build = typeof(MahaTextClassificationTrainer).Module.ModuleVersionId.ToString("N")[..8],
                    };
                    var record = done.FirstOrDefault(wanted.IsSameTraining) ?? Train(wanted, variant, part, numDocuments, longWords, onCuda, verbose, log);
                    if (record is not null)
                        ofSeed.Add(record.Judgment);
                }
                if (ofSeed.Count == parts.Count)
                    bySeed.Add(Judgment.Sum(ofSeed));
            }
            complete &= bySeed.Count == seeds.Count;
            if (bySeed.Count > 0)
                Console.WriteLine(Line(variant, bySeed));
        }
        return complete ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>Draws some of the documents, each class in proportion, others for every seed.</summary>
    internal static List<LabeledDocument> Sample(List<LabeledDocument> documents, int? count, int seed)
    {
        if (count is not int wanted || wanted >= documents.Count)
            return documents;
        int[] order = [.. Enumerable.Range(0, documents.Count)];
        new Random(seed).Shuffle(order);
        // The place of a document in its class, from 0 to 1: the first places of all classes come first.
        return [.. order.GroupBy(row => documents[row].Label)
            .SelectMany(members => members.Select((row, place) => (row, share: (place + 0.5) / members.Count())))
            .OrderBy(pair => pair.share).Take(wanted).Select(pair => pair.row).Order().Select(row => documents[row])];
    }

    /// <summary>The line of a variant: means over the seeds and, after +-, the standard deviation.</summary>
    internal static string Line(LearnVariant variant, IReadOnlyList<Judgment> bySeed)
    {
        string Number(string name, Func<Judgment, double> of, string format)
        {
            double mean = bySeed.Average(of);
            string text = $"{name}={mean.ToString(format, CultureInfo.InvariantCulture)}";
            if (bySeed.Count == 1)
                return text;
            double deviation = Math.Sqrt(bySeed.Sum(judgment => Math.Pow(of(judgment) - mean, 2)) / (bySeed.Count - 1));
            return $"{text}+-{deviation.ToString(format, CultureInfo.InvariantCulture)}";
        }
        var numbers = new List<string>
        {
            $"variant={variant.Name}", Number("accuracy", judgment => judgment.Accuracy, "F4"), Number("macro_f1", judgment => judgment.MacroF1, "F4"),
            Number("logloss", judgment => judgment.LogLoss, "F4"), Number("ece", judgment => judgment.CalibrationError, "F4"),
            Number("seconds", judgment => judgment.Seconds, "F1"), Number("peak_mb", judgment => judgment.PeakMegabytes, "F0"),
            Number("predict_seconds", judgment => judgment.PredictSeconds, "F1"),
        };
        if (bySeed[0].LongCount > 0)
            numbers.Add(Number("accuracy_long", judgment => judgment.LongAccuracy, "F4"));
        numbers.Add($"documents={bySeed[0].Count} documents_long={bySeed[0].LongCount} seeds={bySeed.Count}");
        return string.Join(' ', numbers);
    }

    private static LearnRecord? Train(LearnRecord wanted, LearnVariant variant, Fold part,
        int? numDocuments, int longWords, bool onCuda, bool verbose, string? log)
    {
        string name = $"run variant={wanted.Variant} seed={wanted.Seed}{(wanted.Fold.Length > 0 ? $" fold={wanted.Fold}" : "")}";
        try
        {
            var judgment = LearnRun.Judge(variant, Sample(part.Training, numDocuments, wanted.Seed), part.Testing, wanted.Seed, longWords, onCuda, verbose);
            var record = wanted with { Judgment = judgment };
            if (log is not null)
                LearnLog.Append(log, record);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"# {name} accuracy={judgment.Accuracy:F4} logloss={judgment.LogLoss:F4} seconds={judgment.Seconds:F1}"));
            return record;
        }
        // A refused training says why; the other variants and seeds are still measured.
        catch (Exception refusal) when (refusal is InvalidOperationException or ArgumentException or TrainingDivergedException)
        {
            Console.Error.WriteLine($"# {name} failed: {refusal.Message}");
            return null;
        }
    }

    private static Fold TrainAndTest(string data, string test) => new("", LabeledFile.Read(data, hasFolds: false), LabeledFile.Read(test, hasFolds: false));

    private static List<Fold> Folds(string path, IReadOnlyList<string> wanted)
    {
        var documents = LabeledFile.Read(path, hasFolds: true);
        string[] names = [.. documents.Select(document => document.Fold).Distinct().OrderBy(name => name.Length).ThenBy(name => name, StringComparer.Ordinal)];
        if (names.Length < 2)
            throw new UsageException($"'{path}' must have at least two folds, but all its documents are of fold {names[0]}.");
        if (names.Length > 100)
        {
            throw new UsageException($"'{path}' must have at most 100 folds, but its last column has {names.Length} values, for instance '{names[^1]}'. Is it "
                + "a file without folds? Give it by --data, with --test.");
        }
        if (wanted.FirstOrDefault(name => !names.Contains(name)) is { } missing)
            throw new UsageException($"--fold must name folds of the file, which are {string.Join(", ", names)}, but got {missing}.");
        return [.. names.Where(name => wanted.Count == 0 || wanted.Contains(name)).Select(name => new Fold(name,
            [.. documents.Where(document => document.Fold != name)], [.. documents.Where(document => document.Fold == name)]))];
    }

    private static void Describe(Fold part, string names)
    {
        string[] labels = [.. part.Training.Select(document => document.Label).Distinct()];
        int unseen = part.Testing.Count(document => !labels.Contains(document.Label));
        Console.WriteLine($"# {names}{(part.Name.Length > 0 ? $" fold {part.Name}" : "")}: {part.Training.Count} documents to train, {part.Testing.Count} to "
            + $"test, {labels.Length} classes");
        if (unseen > 0)
            Console.WriteLine($"# {unseen} test documents have a label that no training document has; they count as wrong");
    }
}
