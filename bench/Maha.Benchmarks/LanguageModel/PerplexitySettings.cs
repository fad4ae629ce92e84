using System.Globalization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.LanguageModel;

/// <summary>The options of a perplexity measurement, which are the same for all rows.</summary>
internal sealed record PerplexitySettings
{
    /// <summary>
    /// The variants by name, and their attention. <c>hsa-causal</c> is the language model's default; without overlap it is <c>hsa-disjoint</c>.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, MahaTransformerOptions> Variants = new Dictionary<string, MahaTransformerOptions>
    {
        ["maha"] = Attending(new MahaOptions()),
        ["maha-residual"] = Attending(new MahaOptions { LocalResidual = true }),
        ["maha-mean"] = Attending(new MahaOptions { Aggregation = AggregationOptions.Create(AggregationKind.Mean) }),
        ["hsa-causal"] = Attending(new HsaCausalOptions { Overlap = true }),
        ["hsa-disjoint"] = Attending(new HsaCausalOptions()),
        ["full"] = Attending(new FullOptions()),
        ["window"] = Attending(new WindowOptions()),
    };

    public required string Data { get; init; }
    public required string HeldOut { get; init; }
    public required IReadOnlyList<string> Kinds { get; init; }
    public required IReadOnlyList<int> Contexts { get; init; }
    public required long Tokens { get; init; }
    public required int? Seconds { get; init; }
    public required int DModel { get; init; }
    public required int NumHeads { get; init; }
    public required int NumLayers { get; init; }
    public required int VocabSize { get; init; }
    public required int TokensPerBatch { get; init; }
    public required double LearningRate { get; init; }
    public required double Dropout { get; init; }
    public required double ContextGrowth { get; init; }
    public required int ShortestContext { get; init; }
    public required int Threads { get; init; }
    public required int Seed { get; init; }
    public required bool Cuda { get; init; }
    public Device Device => Cuda ? new Device(DeviceType.CUDA, 0) : CPU;
    public ScalarType? ComputeType { get; init; }
    public required string Out { get; init; }

    /// <summary>The limit of a row's training.</summary>
    public string Budget => Seconds is int seconds ? $"{seconds} s" : string.Create(CultureInfo.InvariantCulture, $"{Tokens:N0} tokens");

    /// <summary>The options that, besides variant, context and budget, identify a row.</summary>
    public string Shape => string.Create(CultureInfo.InvariantCulture, $"D {DModel}, L {NumLayers}, H {NumHeads}, V {VocabSize}, batch {TokensPerBatch}, "
        + $"rate {LearningRate}, dropout {Dropout}, growth {ContextGrowth} from {ShortestContext}{(ComputeType is null ? "" : ", " + ComputeType)}");

    /// <summary>Reads and checks the options.</summary>
    public static PerplexitySettings Read(string[] args)
    {
        var reader = new OptionReader(args);
        bool isTimed = args.Contains("--seconds");
        var settings = new PerplexitySettings
        {
            Data = reader.Text("--data", TextFolders.Novels),
            HeldOut = reader.Text("--held-out", ""),
            Kinds = reader.Texts("--variants", ["maha", "hsa-causal", "full"]),
            Contexts = reader.Integers("--contexts", [512, 2048, 8192]),
            Tokens = reader.Integer("--tokens", 20_000_000),
            Seconds = isTimed ? reader.Integer("--seconds", 600) : null,
            DModel = reader.Integer("--d-model", 128),
            NumHeads = reader.Integer("--heads", 4),
            NumLayers = reader.Integer("--layers", 4),
            VocabSize = reader.Integer("--vocab", 4096),
            TokensPerBatch = reader.Integer("--tokens-per-batch", 8192),
            LearningRate = reader.Number("--learning-rate", 2e-3),
            Dropout = reader.Number("--dropout", 0.1),
            ContextGrowth = reader.Number("--context-growth", 0.6),
            ShortestContext = reader.Integer("--shortest-context", 64),
            Threads = reader.Integer("--threads", Environment.ProcessorCount),
            Seed = reader.Integer("--seed", 1),
            Cuda = reader.Text("--device", "cpu") switch
            {
                "cpu" => false,
                "cuda" => true,
                var other => throw new UsageException($"--device must be cpu or cuda, but is '{other}'."),
            },
            Out = reader.Text("--out", Path.Combine("bench", "results", "perplexity.md")),
        };
        if (settings.Cuda && !cuda.is_available())
            throw new UsageException("--device cuda needs a CUDA device, but torch finds none.");
        settings = settings with { ComputeType = PrecisionOption.Read(reader, settings.Device) };
        reader.RefuseLeft();
        if (settings.Kinds.FirstOrDefault(kind => !Variants.ContainsKey(kind)) is { } unknown)
            throw new UsageException($"--variants must be among {string.Join(", ", Variants.Keys)}, but one is '{unknown}'.");
        if (settings.Contexts.FirstOrDefault(context => context < 2) is var shortest && shortest > 0)
            throw new UsageException($"--contexts must be at least 2, but one is {shortest}.");
        return settings;
    }

    private static MahaTransformerOptions Attending(AttentionOptions attention) => new()
    {
        VocabSize = 1, // the tokenizer's, once there is one
        Attention = attention,
        IsCausal = true,
        Positions = PositionKind.Rotary,
        EmbeddingNorm = true,
    };
}
