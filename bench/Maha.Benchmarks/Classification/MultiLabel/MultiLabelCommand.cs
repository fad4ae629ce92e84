using System.Globalization;
using Maha.MLNet.MultiLabel;
using Maha.Samples.Data.ManualPages;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Classification;

/// <summary>
/// <c>multilabel --data FILE --test FILE</c>: the multi-label classifier with its defaults, compared with one binary classifier per label over
/// <c>FeaturizeText</c>, with the threshold one half and with thresholds by F1.
/// </summary>
/// <remarks>A file has one document per line: labels, with <c>;</c> between them, TAB text.</remarks>
internal static class MultiLabelCommand
{
    public const string Arguments = "--data FILE --test FILE [--seeds N] [--skip baseline|default...] [--threads T] [--minutes M] [--verbose] " + PretrainedChoice.Arguments;

    private const string Baseline = "baseline";
    private const string Default = "default";

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        string data = options.File("--data") ?? throw new UsageException("multilabel needs --data FILE.");
        string test = options.File("--test") ?? throw new UsageException("multilabel needs --test FILE.");
        int numSeeds = options.Integer("--seeds", 1);
        var skipped = options.Texts("--skip", []);
        set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        double minutes = options.Number("--minutes", 0);
        bool verbose = options.Flag("--verbose");
        string? pretrainedName = options.File("--pretrained");
        var pretrained = PretrainedChoice.Parse(pretrainedName);
        options.RefuseLeft();
        if (skipped.FirstOrDefault(name => name is not (Baseline or Default)) is { } unknown)
            throw new UsageException($"--skip takes {Baseline} and {Default}, but got '{unknown}'.");

        var training = LabeledFile.Read(data, hasFolds: false);
        var testing = LabeledFile.Read(test, hasFolds: false);
        string[] labels =
        [
            .. training.SelectMany(document => document.Label.Split(PageTask.LabelSeparator)).Distinct().Order(StringComparer.Ordinal),
        ];
        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine($"# {Path.GetFileName(data)}: {training.Count} documents to train, {testing.Count} to test, {labels.Length} labels, " +
            string.Create(CultureInfo.InvariantCulture, $"{training.Average(document => document.Label.Split(PageTask.LabelSeparator).Length):F2} per document"));
        var runs = new MultiLabelRuns(training, testing, labels, verbose);
        for (int seed = 1; seed <= numSeeds; seed++)
        {
            if (!skipped.Contains(Baseline))
            {
                Print("one-against-all, threshold 1/2", seed, runs.OneAgainstAll(seed, withThresholds: false));
                Print("one-against-all, thresholds by F1", seed, runs.OneAgainstAll(seed, withThresholds: true));
            }
            if (!skipped.Contains(Default))
                Print(pretrainedName is null or "none" ? "from random weights" : pretrainedName, seed, runs.Maha(seed, pretrained, minutes));
        }
        return ExitCode.Success;
    }

    private static void Print(string variant, int seed, (MultiLabelMetrics Metrics, double Seconds) run) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"variant=\"{variant}\" seed={seed} micro_f1={run.Metrics.MicroF1:F4} macro_f1={run.Metrics.MacroF1:F4} " +
        $"subset_accuracy={run.Metrics.SubsetAccuracy:F4} hamming={run.Metrics.HammingLoss:F5} lrap={run.Metrics.LabelRankingAveragePrecision:F4} " +
        $"p1={run.Metrics.PrecisionAtK[0]:F4} p3={run.Metrics.PrecisionAtK[2]:F4} seconds={run.Seconds:F0}"));
}
