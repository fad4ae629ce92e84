using System.Globalization;
using Maha.Benchmarks.Blocks;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;

namespace Maha.Benchmarks.Training;

/// <summary>A reader to train: the attention over the document, and one or more settings that differ from the defaults.</summary>
internal sealed record ReaderVariant
{
    /// <summary>The name of the reader without blocks over the document.</summary>
    public const string WithoutBlocks = "none";

    public const string Syntax = "ATTENTION[:SETTING=VALUE,...], ATTENTION none or a kind of block, SETTING layers, chunk, window, branching, block-window, "
        + "pooling, votes, segments, frozen, rate, encoder-rate, dropout, epochs, documents, warm-up or warm-up-rate";

    private static readonly IReadOnlyDictionary<string, Func<ReaderVariant, string, ReaderVariant>> s_settings =
        new Dictionary<string, Func<ReaderVariant, string, ReaderVariant>>
        {
            ["layers"] = (variant, value) => variant with { Layers = Integer(value) },
            ["chunk"] = (variant, value) => variant with { ChunkLength = Integer(value) },
            ["window"] = (variant, value) => variant with { WindowLength = Integer(value) },
            ["branching"] = (variant, value) => variant with { Branching = Integer(value) },
            ["block-window"] = (variant, value) => variant with { BlockWindow = Integer(value) },
            ["pooling"] = (variant, value) => variant with
            {
                Pooling = Enum.TryParse<PoolingKind>(value, ignoreCase: true, out var kind)
                    ? kind : throw new UsageException($"pooling must be one of {string.Join(", ", Enum.GetNames<PoolingKind>())}, but is '{value}'."),
            },
            ["votes"] = (variant, value) => variant with { NumVotes = Integer(value) },
            ["segments"] = (variant, value) => variant with { SegmentWeight = Number(value) },
            ["frozen"] = (variant, value) => variant with { FrozenLayers = Integer(value) },
            ["rate"] = (variant, value) => variant with { LearningRate = Number(value) },
            ["encoder-rate"] = (variant, value) => variant with { EncoderFactor = Number(value) },
            ["dropout"] = (variant, value) => variant with { Dropout = Number(value) },
            ["epochs"] = (variant, value) => variant with { Epochs = Integer(value) },
            ["documents"] = (variant, value) => variant with { DocumentsPerStep = Integer(value) },
            ["warm-up"] = (variant, value) => variant with { WarmUpEpochs = Integer(value) },
            ["warm-up-rate"] = (variant, value) => variant with { WarmUpRate = Number(value) },
        };

    /// <summary>The text that the variant was read from.</summary>
    public required string Name { get; init; }

    /// <summary>A kind of block, or <see cref="WithoutBlocks"/>.</summary>
    public required string Attention { get; init; }

    /// <summary>The number of blocks over the document.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>The number of tokens whose mean is one state of the document.</summary>
    public int ChunkLength { get; init; } = 16;

    /// <summary>The most tokens of a window.</summary>
    public int WindowLength { get; init; } = 256;

    /// <summary>The branching of hierarchical attention.</summary>
    public int Branching { get; init; } = 16;

    /// <summary>The window of multi-scale and of window attention, in states of the document.</summary>
    public int BlockWindow { get; init; } = 16;

    /// <summary>The pooling of the document's states.</summary>
    public PoolingKind Pooling { get; init; } = PoolingKind.MeanMax;

    /// <summary>The number of votes of each state, whose means the output layer reads too.</summary>
    public int NumVotes { get; init; }

    /// <summary>The weight of the windows, which inherit the label of their document, in the loss.</summary>
    public double SegmentWeight { get; init; }

    /// <summary>The number of the encoder's lower layers that are not trained.</summary>
    public int FrozenLayers { get; init; }

    /// <summary>The learning rate of what follows the encoder.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The learning rate of the encoder as a share of <see cref="LearningRate"/>.</summary>
    public double EncoderFactor { get; init; } = 0.1;

    /// <summary>The dropout of the encoder and of the blocks.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>The most epochs of a stage.</summary>
    public int Epochs { get; init; } = 4;

    /// <summary>The documents of a training step.</summary>
    public int DocumentsPerStep { get; init; } = 32;

    /// <summary>The most epochs of the first stage in which only what follows the encoder is trained, before everything is.</summary>
    public int WarmUpEpochs { get; init; }

    /// <summary>The learning rate of those epochs.</summary>
    public double WarmUpRate { get; init; } = 5e-3;

    /// <summary>Reads a variant.</summary>
    /// <exception cref="UsageException">The text has another form.</exception>
    public static ReaderVariant Parse(string text)
    {
        var (attention, settings) = text.Split(':') switch
        {
            [var one] => (one, ""),
            [var one, var rest] => (one, rest),
            _ => throw new UsageException($"--variants takes {Syntax}, but got '{text}'."),
        };
        if (attention != WithoutBlocks && !BlockVariants.All.ContainsKey(attention))
        {
            throw new UsageException(
                $"the attention of a variant must be {WithoutBlocks} or one of {string.Join(", ", BlockVariants.All.Keys)}, but is '{attention}'.");
        }
        var variant = new ReaderVariant { Name = text, Attention = attention };
        foreach (string setting in settings.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (setting.Split('=') is not [var name, var value] || !s_settings.TryGetValue(name, out var change))
                throw new UsageException($"a setting of a variant must be NAME=VALUE with one of {string.Join(", ", s_settings.Keys)}, but is '{setting}'.");
            variant = change(variant, value);
        }
        return variant;
    }

    /// <summary>The blocks over the document; null for none.</summary>
    /// <param name="encoder">The encoder of the windows.</param>
    /// <param name="maxDocumentTokens">The number of tokens of the longest document.</param>
    public MahaTransformerOptions? CreateBlocks(MahaTransformerOptions encoder, int maxDocumentTokens)
    {
        if (Attention == WithoutBlocks)
            return null;
        var shape = new MahaTransformerOptions
        {
            VocabSize = encoder.VocabSize,
            DModel = encoder.DModel,
            NumHeads = encoder.NumHeads,
            FeedForwardDim = encoder.FeedForwardDim,
            NumLayers = Layers,
            // A window may be cut short at the end of a sentence, and its last state has fewer tokens.
            MaxSequenceLength = (3 * maxDocumentTokens / ChunkLength) + 2,
            Positions = PositionKind.Rotary,
            Dropout = Dropout,
        };
        var blocks = (MahaTransformerOptions)BlockVariants.Options(Attention, shape);
        return blocks with
        {
            Attention = blocks.Attention switch
            {
                HsaOptions hsa => hsa with { Branching = Branching },
                MahaOptions maha => maha with { Window = BlockWindow },
                WindowOptions window => window with { Window = BlockWindow },
                var other => other,
            },
        };
    }

    private static int Integer(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
        ? value : throw new UsageException($"a setting of a variant must be a whole number, but is '{text}'.");

    private static double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
        ? value : throw new UsageException($"a setting of a variant must be a number, but is '{text}'.");
}
