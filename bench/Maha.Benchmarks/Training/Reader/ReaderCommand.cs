using System.Globalization;
using System.Text.Json.Nodes;
using Maha.Benchmarks.Classification;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.Layers.Weights;
using Maha.MLNet.Fitting;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>reader</c>: the network of the text classifier that reads with a pretrained encoder, with every kind of attention over the document. It is trained on
/// one file after the other, for instance on documents of growing length, and tested after each. What a stage learned is the start of the next.
/// </summary>
/// <remarks>
/// A stage ends as soon as the validation accuracy reaches <c>--until</c>. The n-grams take no part. A result in the file is not measured again if all
/// later stages are there too, since a stage needs the weights of those before it.
/// </remarks>
internal static class ReaderCommand
{
    public const string Arguments = "--data PREFIX[=DOCUMENTS]... [--variants ATTENTION[:SETTING=VALUE,...]...] [--until A] [--pretrained minilm|PATH] [--seeds S...] "
        + "[--threads T] [--out FILE] [--cuda] [--verbose]";

    private const int MaxTokensPerBatch = 1 << 15;

    private sealed record Stage(string Name, TokenizedDataset Training, TokenizedDataset Validation, TokenizedDataset Testing, int MaxTokens);

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        var prefixes = options.Values("--data") ?? throw new UsageException("reader needs --data PREFIX[=DOCUMENTS]...: the files PREFIX.train.tsv and PREFIX.test.tsv, and how many documents of the first to train on.");
        ReaderVariant[] variants = [.. (options.Values("--variants") ?? [ReaderVariant.WithoutBlocks, "full", "hsa", "maha"]).Select(ReaderVariant.Parse)];
        double until = options.Number("--until", 0.97);
        var pretrained = PretrainedChoice.Parse(options.Text("--pretrained", "minilm")) ?? throw new UsageException("reader needs pretrained weights, but --pretrained is none.");
        var seeds = options.Integers("--seeds", [1]);
        set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        var results = new ResultsFile(options.Text("--out", Path.Combine("artifacts", "reader.jsonl")));
        bool onCuda = options.Flag("--cuda"), verbose = options.Flag("--verbose");
        options.RefuseLeft();
        if (onCuda && !cuda.is_available())
            throw new UsageException("--cuda needs a CUDA device, but torch finds none.");

        using var start = PretrainedStart.Open(pretrained);
        var encoder = start.Encoder ?? throw new UsageException("reader needs an encoder in BERT layout.");
        var (stages, numClasses) = Read(prefixes, encoder.Tokenizer);
        string setting = string.Join(' ', stages.Select(stage => $"{stage.Name}:{stage.Training.Count}")) + string.Create(CultureInfo.InvariantCulture, $" until={until}");
        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine($"# {setting}, {numClasses} classes");
        foreach (int seed in seeds)
        {
            foreach (var variant in variants)
            {
                if (results.Rows(setting).Count(row => (string?)row["variant"] == variant.Name && (int?)row["seed"] == seed) < stages.Count)
                    Train(variant, seed, setting, stages, numClasses, encoder, until, onCuda ? CUDA : CPU, verbose, results);
            }
        }
        foreach (var row in results.Rows(setting))
            Console.WriteLine(Line(row));
        foreach (var stage in stages)
        {
            foreach (var part in new[] { stage.Training, stage.Validation, stage.Testing })
                part.Dispose();
        }
        return ExitCode.Success;
    }

    private static (List<Stage> Stages, int NumClasses) Read(IReadOnlyList<string> prefixes, WordPieceTokenizer tokenizer)
    {
        var files = prefixes.Select(text =>
        {
            var (prefix, most) = text.Split('=') switch
            {
                [var only] => (only, int.MaxValue),
                [var first, var number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 1 => (first, count),
                _ => throw new UsageException($"--data takes PREFIX or PREFIX=DOCUMENTS, at least 2 documents, but got '{text}'."),
            };
            return (
                Name: Path.GetFileName(prefix),
                Train: LabeledFile.Read(prefix + ".train.tsv", hasFolds: false).Take(most).ToList(),
                Test: LabeledFile.Read(prefix + ".test.tsv", hasFolds: false));
        }).ToList();
        string[] labels = [.. files.SelectMany(file => file.Train.Concat(file.Test)).Select(document => document.Label).Distinct().Order(StringComparer.Ordinal)];
        return ([.. files.Select(file =>
        {
            // A tenth, but not more than tells apart a percent.
            int validation = Math.Clamp(file.Train.Count / 10, 1, 500);
            var (training, validating, testing) = (Tokenize(file.Train.Skip(validation)), Tokenize(file.Train.Take(validation)), Tokenize(file.Test));
            int longest = new[] { training, validating, testing }.SelectMany(part => Enumerable.Range(0, part.Count).Select(part.LengthOf)).Max();
            return new Stage(file.Name, training, validating, testing, longest);
        })], labels.Length);

        TokenizedDataset Tokenize(IEnumerable<LabeledDocument> documents) => TokenizedDataset.FromTexts(
            documents.Select(document => (document.Text, Array.IndexOf(labels, document.Label))), tokenizer,
            new TokenizedDatasetOptions { MaxDocumentTokens = 1 << 20 }, CancellationToken.None);
    }

    private static void Train(
        ReaderVariant variant, int seed, string setting, List<Stage> stages, int numClasses, PretrainedEncoder encoder, double until, Device device, bool verbose,
        ResultsFile results)
    {
        var model = encoder.Encoder.Options with { Pooling = variant.Pooling, Dropout = variant.Dropout };
        int maxTokens = stages.Max(stage => stage.MaxTokens);
        var shape = new WindowedEncoderOptions
        {
            WindowLength = variant.WindowLength,
            ChunkLength = variant.ChunkLength,
            MaxDocumentTokens = maxTokens,
            ClsTokenId = encoder.Tokenizer.ClsTokenId,
            SepTokenId = encoder.Tokenizer.SepTokenId,
            Document = variant.CreateBlocks(model, maxTokens),
            NumVotes = variant.NumVotes,
        };
        WindowedClassifier classifier;
        using (new RandomStateScope(seed))
            classifier = new WindowedClassifier(model, shape, numClasses);
        using var owner = classifier;
        ModuleWeights.Load(classifier.Reader.Encoder, encoder.Encoder.state_dict());
        classifier.to(device);
        var windows = new TokenWindows(encoder.Tokenizer, variant.WindowLength);
        foreach (var stage in stages)
        {
            var (training, validating, testing) = (All(stage.Training), All(stage.Validation), All(stage.Testing));
            double meanLength = BatchPlan.Lengths(training).Average();
            // A step of many long documents is a sum over batches, whose activations fit into memory.
            int tokensPerBatch = (int)Math.Min(variant.DocumentsPerStep * meanLength * 1.1, MaxTokensPerBatch);
            // The second stage goes on with an output layer that has learned.
            bool warmsUp = variant.WarmUpEpochs > 0 && ReferenceEquals(stage, stages[0]);
            var schedule = new TrainingOptions
            {
                NumberOfEpochs = variant.Epochs,
                LearningRate = variant.LearningRate,
                LearningRateDecay = LearningRateDecay.Linear,
                TokensPerBatch = tokensPerBatch,
                GradientAccumulation = Math.Max(1, (int)Math.Round(variant.DocumentsPerStep * meanLength / tokensPerBatch)),
                EarlyStoppingMetric = ValidationMetric.Accuracy,
                EarlyStoppingPatience = null,
                ComputeType = device.type == DeviceType.CUDA ? ScalarType.BFloat16 : null,
                CancellationBehavior = CancellationBehavior.KeepBest,
                Seed = seed,
            };
            using var reached = new CancellationTokenSource();
            var task = new WindowedClassificationTask(classifier, new CrossEntropyLoss(numClasses), states: null, variant.EncoderFactor, variant.SegmentWeight > 0 ? new SegmentLoss(variant.SegmentWeight, variant.WindowLength) : null);
            PeakMemory.Reset();
            if (warmsUp)
            {
                classifier.Reader.Encoder.Freeze(model.NumLayers);
                var head = new Trainer(schedule with
                {
                    NumberOfEpochs = variant.WarmUpEpochs,
                    LearningRate = variant.WarmUpRate,
                    EarlyStoppingMetric = ValidationMetric.Loss,
                });
                var progress = new UntilAccurate(until, reached, verbose ? $"{variant.Name} {stage.Name} warm-up" : null);
                head.Train(task, training, validating, progress, reached.Token);
                classifier.Reader.Encoder.Unfreeze();
                if (verbose)
                {
                    var warm = head.Evaluate(task, testing);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"# {variant.Name} {stage.Name} after the warm-up: test accuracy {warm.Accuracy:F4}, log loss {warm.Loss:F4}"));
                }
            }
            if (variant.FrozenLayers > 0)
                classifier.Reader.Encoder.Freeze(variant.FrozenLayers);
            var trainer = new Trainer(schedule);
            var result = trainer.Train(task, training, validating, new UntilAccurate(until, reached, verbose ? $"{variant.Name} {stage.Name}" : null), reached.Token);
            var metrics = trainer.Evaluate(task, testing);
            var row = new JsonObject
            {
                ["setting"] = setting,
                ["variant"] = variant.Name,
                ["seed"] = seed,
                ["stage"] = stage.Name,
                ["accuracy"] = metrics.Accuracy,
                ["logloss"] = metrics.Loss,
                ["epochs"] = result.Epochs.Count,
                ["seconds"] = Math.Round(result.Duration.TotalSeconds, 1),
                ["tokens"] = Math.Round(meanLength),
            };
            results.Append(row);
            if (verbose)
                Console.WriteLine("# " + Line(row));
        }

        WindowedDocuments All(TokenizedDataset documents) => new(documents, windows, int.MaxValue, fixedSeed: null);
    }

    private static string Line(JsonObject row) => string.Create(CultureInfo.InvariantCulture,
        $"variant={(string?)row["variant"]} seed={(int)row["seed"]!} stage={(string?)row["stage"]} tokens={(double)row["tokens"]!:F0} "
            + $"accuracy={(double)row["accuracy"]!:F4} logloss={(double)row["logloss"]!:F4} epochs={(int)row["epochs"]!} seconds={(double)row["seconds"]!:F0}");

    // Progress<T> would report on another thread.
    private sealed class UntilAccurate(double accuracy, CancellationTokenSource reached, string? name) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Validation is not { } metrics)
                return;
            if (name is not null)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"# {name} epoch {value.Epoch}: training loss {value.Loss:F3}, validation loss {metrics.Loss:F3}, accuracy {metrics.Accuracy:F3}, "
                        + $"{value.TokensPerSecond:F0} tokens/s, {value.Elapsed.TotalSeconds:F0} s"));
            }
            if (metrics.Accuracy >= accuracy)
                reached.Cancel();
        }
    }
}
