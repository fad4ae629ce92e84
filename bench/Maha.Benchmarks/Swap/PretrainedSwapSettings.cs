using System.Globalization;
using Maha.Layers.Swap;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Swap;

/// <summary>The options of <c>swap --pretrained</c>.</summary>
internal sealed record PretrainedSwapSettings
{
    // Of what follows the encoder, which learns at a tenth of it.
    private const double DefaultRate = 1e-3;

    /// <summary>The name of the weights on the command line.</summary>
    public required string Pretrained { get; init; }

    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>The most tokens of a window, special tokens included.</summary>
    public required int WindowLength { get; init; }

    /// <summary>The most windows of a document that a training step reads.</summary>
    public required int WindowsPerDocument { get; init; }

    /// <summary>The most tokens that a swapped model reads at once, special tokens included; of documents, no more are read in any form.</summary>
    public required int LongTokens { get; init; }

    public required int NumberOfEpochs { get; init; }

    public required int DocumentsPerStep { get; init; }

    public required double LearningRate { get; init; }

    /// <summary>The rate of the epoch after a swap.</summary>
    public required double TuningRate { get; init; }

    /// <summary>The number of training documents on which the layers are ranked.</summary>
    public required int Samples { get; init; }

    /// <summary>The number of documents whose prediction is timed.</summary>
    public required int TimedDocuments { get; init; }

    /// <summary>The numbers of swapped layers that are measured; empty for all.</summary>
    public required IReadOnlyList<int> Swapped { get; init; }

    /// <summary>The numbers of swapped layers that are measured after an epoch, too; empty for all that are measured.</summary>
    public required IReadOnlyList<int> Tuned { get; init; }

    /// <summary>Whether long documents are read as a whole, too.</summary>
    public required bool ReadsWhole { get; init; }

    public required HsaConversionOptions Conversion { get; init; }

    public required Device Device { get; init; }

    /// <summary>The folder of the trained classifiers.</summary>
    public required string Models { get; init; }

    public required string Out { get; init; }

    /// <summary>Reads the options that the classifier and its swap have.</summary>
    public static PretrainedSwapSettings Read(OptionReader options)
    {
        double rate = options.Number("--learning-rate", DefaultRate);
        bool onCuda = options.Flag("--cuda");
        if (onCuda && !cuda.is_available())
            throw new UsageException("--cuda needs a CUDA device, but torch finds none.");
        set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        var settings = new PretrainedSwapSettings
        {
            Pretrained = options.Text("--pretrained", ""),
            Seeds = options.Integers("--seeds", [1]),
            WindowLength = options.Integer("--window", 512),
            WindowsPerDocument = options.Integer("--windows", 8),
            LongTokens = options.Integer("--long-tokens", 4096),
            NumberOfEpochs = options.Integer("--epochs", 3),
            DocumentsPerStep = options.Integer("--documents-per-step", 16),
            LearningRate = rate,
            TuningRate = options.Number("--tuning-rate", rate / 2),
            Samples = options.Integer("--samples", 64),
            TimedDocuments = options.Integer("--timed", 32),
            Swapped = options.Integers("--swapped", []),
            Tuned = options.Integers("--tuned", []),
            ReadsWhole = !options.Flag("--windows-only"),
            Conversion = new HsaConversionOptions
            {
                Branching = options.Integer("--branching", new HsaConversionOptions().Branching),
                Ranking = SwapCommand.RankingOf(options),
            },
            Device = onCuda ? CUDA : CPU,
            Models = options.Text("--models", Path.Combine("artifacts", "swap")),
            Out = options.Text("--out", Path.Combine("artifacts", "swap.jsonl")),
        };
        return settings.LongTokens > settings.WindowLength ? settings : throw new UsageException(
            $"--long-tokens must be over --window, which is {settings.WindowLength}, but is {settings.LongTokens}.");
    }

    /// <summary>The key of the trained classifier: what it depends on besides the seed.</summary>
    public string DescribeTraining(string task) => string.Create(
        CultureInfo.InvariantCulture, $"{task} pretrained={Pretrained} window={WindowLength} windows={WindowsPerDocument} tokens={LongTokens} "
            + $"epochs={NumberOfEpochs} step={DocumentsPerStep} rate={LearningRate}");

    /// <summary>The key of the results: what they depend on besides the seed.</summary>
    public string Describe(string task) => string.Create(
        CultureInfo.InvariantCulture, $"{DescribeTraining(task)} samples={Samples} trees=blocks of {Conversion.Branching} ranking={Conversion.Ranking} "
            + $"tuning={TuningRate}");

    /// <summary>The options of a training on documents of some length.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="tokensPerDocument">The mean number of tokens of a document that a step reads.</param>
    public TrainingOptions Training(int seed, double tokensPerDocument) => new()
    {
        NumberOfEpochs = NumberOfEpochs,
        LearningRate = LearningRate,
        LearningRateDecay = LearningRateDecay.Linear,
        TokensPerBatch = (int)Math.Max(DocumentsPerStep * tokensPerDocument, DocumentsPerStep),
        EarlyStoppingMetric = ValidationMetric.Accuracy,
        EarlyStoppingPatience = null,
        Device = Device,
        ComputeType = Device.type == DeviceType.CPU ? null : ScalarType.BFloat16,
        Seed = seed,
    };
}
