using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;

namespace Maha.Benchmarks.LanguageModel;

/// <summary>Language models of different attention and equal numbers of parameters.</summary>
internal static class ComparedModels
{
    // F of the model with full attention: wide enough to give up the weights that multiscale attention has in the projections of its scales.
    private const int FullFeedForward = 8;

    /// <summary>The options of a variant for a context.</summary>
    /// <remarks>
    /// A layer of full attention has 4 D^2 weights in its projections, one of S scales (2 S + 1) D^2: the difference is taken from or added to the 2 D F of
    /// the feed-forward layer. The rest (norms, biases, convolutions, aggregation) is a few times D weights per layer.
    /// </remarks>
    public static MahaTransformerOptions CreateOptions(string variant, int context, int vocabSize, PerplexitySettings settings)
    {
        var options = PerplexitySettings.Variants[variant] with
        {
            VocabSize = vocabSize,
            MaxSequenceLength = context,
            DModel = settings.DModel,
            NumHeads = settings.NumHeads,
            NumLayers = settings.NumLayers,
            Dropout = settings.Dropout,
        };
        int numScales = options.Attention is MahaOptions maha ? maha.CountScales(context) : 0;
        int projections = numScales > 0 ? (2 * numScales) + 1 : 4;
        int width = ((FullFeedForward * 2) + 4 - projections) * settings.DModel / 2;
        return width >= 1
            ? options with { FeedForwardDim = width }
            : throw new UsageException(
                $"{numScales} scales leave no weights for the feed-forward layers of maha at equal numbers of parameters. Use a shorter context.");
    }

    /// <summary>Creates a model whose initial weights follow from the seed.</summary>
    public static MahaLanguageModel Build(MahaTransformerOptions options, int seed)
    {
        using var random = new RandomStateScope(seed);
        return new MahaLanguageModel(options);
    }

    /// <summary>The number of weights.</summary>
    public static long Parameters(MahaLanguageModel model) => model.parameters().Sum(parameter => parameter.numel());
}
