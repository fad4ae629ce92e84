using Maha.Layers.Attention;
using Maha.Layers.Data;
using Maha.Layers.Swap;
using Maha.Layers.Text;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.MLNet.ModelFiles;

/// <content>Copies: with the same layers, and with layers converted to hierarchical attention.</content>
internal abstract partial class TextModel<TManifest, TNetwork>
{
    // The most tokens of a batch on which layers are ranked.
    private const int MaxTokensToRank = 8192;

    /// <summary>Returns the parts of a copy of the model with another manifest, which describes the same network.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="build">Builds the network that a manifest describes, with any weights.</param>
    protected TextModelParts<TManifest, TNetwork> Copy(TManifest manifest, Func<TManifest, TNetwork> build)
    {
        using var use = new Use(this);
        return new(manifest, Tokenizer, ConvertedModel.CopyWeights(Network, () => build(manifest), interpolate: false));
    }

    /// <summary>Returns the parts of a copy of the model with hierarchical attention in some layers.</summary>
    /// <param name="layers">The layers to swap, 0 the first.</param>
    /// <param name="options">The trees and the length.</param>
    /// <param name="build">Builds the network that a manifest describes, with any weights.</param>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the model.</exception>
    protected TextModelParts<TManifest, TNetwork> SwapLayers(
        IReadOnlyCollection<int> layers, HsaConversionOptions options, Func<TManifest, TNetwork> build)
    {
        ArgumentNullException.ThrowIfNull(layers);
        options = WithTokenParts(options);
        using var use = new Use(this);
        ModelManifest manifest = Manifest with { Model = ConvertedModel.OptionsOf(Manifest.Model, layers, options) };
        if (manifest is WindowedManifest { Windows: { } windows } windowed)
            manifest = windowed with { Windows = ConvertedModel.WindowsOf(windows, options) };
        var converted = (TManifest)manifest;
        return new(converted, Tokenizer, ConvertedModel.CopyWeights(Network, () => build(converted), options.InterpolatePositions));
    }

    /// <summary>Orders the layers with standard attention by how little their swap changes the outputs for some texts.</summary>
    /// <param name="texts">A few dozen texts, such as those that the model is used for.</param>
    /// <param name="options">The trees and the ranking.</param>
    /// <param name="build">Builds the network that a manifest describes, with any weights.</param>
    /// <param name="subject">Returns how networks of this kind are measured on samples.</param>
    /// <returns>The layers in the order in which they are swapped.</returns>
    /// <exception cref="ArgumentException">There is no text, or the options don't suit the model.</exception>
    protected IReadOnlyList<int> RankLayers(
        IEnumerable<string> texts, HsaConversionOptions options, Func<TManifest, TNetwork> build,
        Func<IReadOnlyList<(Tensor TokenIds, MixingContext Context)>, Func<TNetwork, IReadOnlyCollection<int>, TNetwork>, SwapSubject<TNetwork>> subject)
    {
        ArgumentNullException.ThrowIfNull(texts);
        options = WithTokenParts(options) with { MaxSequenceLength = null };
        using var use = new Use(this);
        using var scope = NewDisposeScope();
        var documents = Encode([.. texts.Select(text => text.AsMemory())]);
        List<(Tensor, MixingContext)> samples = [];
        foreach (int[] rows in BatchPlan.ByLength(BatchPlan.Lengths(documents), MaxTokensToRank))
        {
            var batch = TokenBatch.Create(documents, rows, Device);
            samples.Add((batch.TokenIds, new MixingContext { KeyPaddingMask = batch.KeyPaddingMask }));
        }
        var steps = new LayerOrder<TNetwork>(subject(samples, (_, layers) => SwapLayers(layers, options, build).Network), options).Run(Network, _ => 0, null);
        return [.. steps.Skip(1).Select(step => step.Layer)];
    }

    private HsaConversionOptions WithTokenParts(HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options is { Hierarchy: HierarchyKind.Document, TokenParts: null } && Tokenizer is ByteLevelBpeTokenizer tokenizer
            ? options with { TokenParts = TokenParts.FromTokenizer(tokenizer) }
            : options;
    }
}
