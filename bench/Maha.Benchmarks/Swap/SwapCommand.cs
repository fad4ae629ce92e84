using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Maha.Benchmarks.Training;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Training;
using Maha.Layers.Trees;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Swap;

/// <summary>
/// <c>swap</c>: the accuracy that a trained classifier with standard attention loses when some or all of its layers compute hierarchical attention from the
/// same weights.
/// </summary>
/// <remarks>
/// For every seed a classifier is trained (once: its weights are kept in a folder), its layers are ranked on training documents, and it is tested with
/// 0 to L layers swapped, without training and after one epoch of training. Results are appended to a file; a result in the file is not measured again.
/// </remarks>
internal static class SwapCommand
{
    public const string Arguments =
        "[--seeds S...] [--epochs N] [--max-tokens N] [--layers L] [--hierarchy blocks|document] [--branching B] [--ranking predictions|attention] "
            + "[--samples N] [--tuning-rate R] [--threads T] [--out FILE] [--models FOLDER] [--data FILE --test FILE] [--documents N] [--d-model D] "
            + "[--heads H] [--tokens-per-batch N] [--cuda] | --pretrained minilm|PATH [--window N] [--windows N] [--long-tokens N] "
            + "[--documents-per-step N] [--learning-rate R] [--timed N] [--swapped K...] [--tuned K...] [--windows-only], "
            + "and of the others those without the shape of the model";

    // The learning rates of the training and of the fine-tuning, which is not small: swapped layers compute something else.
    private const double TrainingRate = 2e-3;

    public static int Run(string[] args)
    {
        if (args.Contains("--pretrained"))
            return PretrainedSwapCommand.Run(args);
        var options = new OptionReader(args);
        var seeds = options.Integers("--seeds", [1, 2, 3]);
        var model = new MahaTransformerOptions
        {
            VocabSize = 1, // the tokenizer's, once there is one
            Attention = new FullOptions(),
            MaxSequenceLength = options.Integer("--max-tokens", 1024),
            DModel = options.Integer("--d-model", 128),
            NumHeads = options.Integer("--heads", 4),
            NumLayers = options.Integer("--layers", 4),
            Positions = PositionKind.Rotary,
            Pooling = PoolingKind.MeanMax,
        };
        var training = new TrainingOptions
        {
            NumberOfEpochs = options.Integer("--epochs", 6),
            TokensPerBatch = options.Integer("--tokens-per-batch", 8192),
            LearningRate = TrainingRate,
            EarlyStoppingMetric = ValidationMetric.Accuracy,
            EarlyStoppingPatience = null,
            Device = options.Flag("--cuda") ? CUDA : CPU,
        };
        int samples = options.Integer("--samples", 64);
        double tuningRate = options.Number("--tuning-rate", TrainingRate);
        var conversion = new HsaConversionOptions
        {
            Hierarchy = options.Text("--hierarchy", "blocks") switch
            {
                "blocks" => HierarchyKind.Blocks,
                "document" => HierarchyKind.Document,
                var other => throw new UsageException($"--hierarchy takes blocks or document, but got '{other}'."),
            },
            Branching = options.Integer("--branching", new HsaConversionOptions().Branching),
            Ranking = RankingOf(options),
        };
        set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        string models = options.Text("--models", Path.Combine("artifacts", "swap"));
        var results = new ResultsFile(options.Text("--out", Path.Combine("artifacts", "swap.jsonl")));

        using var task = DocumentTask.Load(options, model.MaxSequenceLength);
        model = model with { VocabSize = task.Tokenizer.VocabSize };
        if (conversion.Hierarchy == HierarchyKind.Document)
            conversion = conversion with { TokenParts = TokenParts.FromTokenizer(task.Tokenizer) };
        string trained = $"{task.Name} tokens={model.MaxSequenceLength} width={model.DModel} heads={model.NumHeads} layers={model.NumLayers} "
            + $"epochs={training.NumberOfEpochs} batch={training.TokensPerBatch}";
        string trees = conversion.Hierarchy == HierarchyKind.Blocks ? $"blocks of {conversion.Branching}" : "document";
        string setting = string.Create(
            CultureInfo.InvariantCulture, $"{trained} samples={samples} trees={trees} ranking={conversion.Ranking} rate={tuningRate}");
        EnvironmentHeader.Print(Console.Out);
        foreach (int seed in seeds)
        {
            var done = results.Rows(setting).Where(row => (int)row["seed"]! == seed).ToList();
            if (done.Count == model.NumLayers + 1)
                continue;
            using var classifier = Trained(model, training with { Seed = seed }, task, Path.Combine(models, $"{Hash(trained)}-{seed}.safetensors"));
            var study = new SwapStudy(classifier, task, training with { Seed = seed, NumberOfEpochs = 1, LearningRate = tuningRate }, conversion, samples);
            foreach (var row in study.Rows(swapped => done.Any(old => (int)old["swapped"]! == swapped)))
            {
                row["setting"] = setting;
                row["seed"] = seed;
                results.Append(row);
                Console.Error.WriteLine(row.ToJsonString());
            }
        }
        Console.WriteLine($"# {setting}");
        SwapTable.Print(Console.Out, results.Rows(setting));
        return ExitCode.Success;
    }

    /// <summary>Reads --ranking.</summary>
    public static SwapRanking RankingOf(OptionReader options) => options.Text("--ranking", "predictions") switch
    {
        "predictions" => SwapRanking.Predictions,
        "attention" => SwapRanking.Attention,
        var other => throw new UsageException($"--ranking takes predictions or attention, but got '{other}'."),
    };

    private static MahaSequenceClassifier Trained(MahaTransformerOptions model, TrainingOptions training, DocumentTask task, string file)
    {
        MahaSequenceClassifier classifier;
        using (new RandomStateScope(training.Seed))
            classifier = new MahaSequenceClassifier(model, task.Labels.Length);
        if (File.Exists(file))
        {
            ModuleWeights.Load(classifier, file);
            classifier.to(training.Device!);
            return classifier;
        }
        new Trainer(training)
            .Train(new SequenceClassificationTask(classifier, task.Labels.Length), task.Train, progress: new EpochLines($"full seed {training.Seed}"));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        ModuleWeights.Save(classifier, file);
        return classifier;
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 6));
}
