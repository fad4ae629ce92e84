using System.Text.Json.Nodes;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>ablation</c>: the sample's classifier with one kind of attention and aggregation after the other, at equal width, depth, tokens and epochs.
/// </summary>
/// <remarks>
/// The epoch that is best on the validation documents (a tenth of the training documents) is evaluated on the test documents. Results are appended to a file
/// as they come; a result in the file is not measured again, so that a run can continue and several processes can share the work.
/// </remarks>
internal static class AblationCommand
{
    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        var variants = options.Texts("--variants", AblationVariants.Names);
        var seeds = options.Integers("--seeds", [1]);
        var shape = new MahaTransformerOptions
        {
            VocabSize = 1, // the tokenizer's, once there is one
            MaxSequenceLength = options.Integer("--max-tokens", 1024),
            DModel = options.Integer("--d-model", 128),
            NumHeads = options.Integer("--heads", 4),
            NumLayers = options.Integer("--layers", 2),
            Positions = PositionKind.Rotary,
            Pooling = PoolingKind.MeanMax,
        };
        var training = new TrainingOptions
        {
            NumberOfEpochs = options.Integer("--epochs", 6),
            TokensPerBatch = options.Integer("--tokens-per-batch", 8192),
            LearningRate = 2e-3,
            EarlyStoppingMetric = ValidationMetric.Accuracy,
            EarlyStoppingPatience = null,
            Device = options.Flag("--cuda") ? CUDA : CPU,
        };
        training = training with { ComputeType = PrecisionOption.Read(options, training.Device!) };
        int window = options.Integer("--window", WindowOptions.DefaultWindow);
        set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        var results = new ResultsFile(options.Text("--out", Path.Combine("artifacts", "ablation.jsonl")));
        foreach (string unknown in variants.Except(AblationVariants.Names))
            throw new UsageException($"--variants takes {string.Join(", ", AblationVariants.Names)}, but got '{unknown}'.");

        using var task = DocumentTask.Load(options, shape.MaxSequenceLength);
        shape = shape with { VocabSize = task.Tokenizer.VocabSize };
        string setting = $"{task.Name} tokens={shape.MaxSequenceLength} width={shape.DModel} heads={shape.NumHeads} layers={shape.NumLayers} "
            + $"epochs={training.NumberOfEpochs} batch={training.TokensPerBatch}"
            + (window == WindowOptions.DefaultWindow ? "" : $" window={window}")
            + (training.ComputeType is null ? "" : $" precision={training.ComputeType}");
        EnvironmentHeader.Print(Console.Out);
        foreach (int seed in seeds)
        {
            foreach (string variant in variants)
            {
                if (results.Rows(setting).Any(row => (string?)row["variant"] == variant && (int?)row["seed"] == seed))
                    continue;
                results.Append(Measure(
                    variant, seed, setting, task, AblationVariants.CreateOptions(variant, shape, task.Tokenizer, window), training with { Seed = seed }));
            }
        }
        Console.WriteLine($"# {setting}");
        AblationTable.Print(Console.Out, results.Rows(setting));
        return ExitCode.Success;
    }

    private static JsonObject Measure(string variant, int seed, string setting, DocumentTask task, MahaTransformerOptions model, TrainingOptions training)
    {
        PeakMemory.Reset();
        MahaSequenceClassifier classifier;
        using (new RandomStateScope(seed))
            classifier = new MahaSequenceClassifier(model, task.Labels.Length);
        using var owner = classifier;
        var trainer = new Trainer(training);
        var classification = new SequenceClassificationTask(classifier, task.Labels.Length);
        var result = trainer.Train(classification, task.Train, progress: new EpochLines($"{variant} seed {seed}"));
        double? peak = PeakMemory.Read();
        var metrics = trainer.Evaluate(classification, task.Test);
        return new JsonObject
        {
            ["setting"] = setting,
            ["variant"] = variant,
            ["seed"] = seed,
            ["accuracy"] = metrics.Accuracy,
            ["macro_f1"] = metrics.MacroF1,
            ["seconds_per_epoch"] = result.Epochs.Average(epoch => epoch.Duration.TotalSeconds),
            ["peak_mb"] = peak,
            ["best_epoch"] = result.BestEpoch,
            ["parameters"] = classifier.parameters().Sum(parameter => parameter.numel()),
            ["threads"] = get_num_threads(),
            ["layers"] = new JsonArray([.. metrics.Layers!.Select(Row)]),
        };
    }

    private static JsonNode Row(LayerDiagnostics layer) => new JsonObject
    {
        ["scale_weights"] = Numbers(layer.MeanScaleWeights),
        ["sparsity"] = layer.Sparsity,
        ["entropy"] = Numbers(layer.AttentionEntropy),
        ["max_residual"] = layer.MaxResidual,
        ["iterations"] = layer.Iterations,
        ["converged"] = layer.Converged,
    };

    // A scale that no document has is null: JSON has no NaN.
    private static JsonArray? Numbers(IReadOnlyList<double>? values) =>
        values is null ? null : new JsonArray([.. values.Select(value => double.IsFinite(value) ? JsonValue.Create(Math.Round(value, 5)) : null)]);
}
