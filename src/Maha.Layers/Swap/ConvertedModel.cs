using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Swap;

// P trained positions, N positions of the converted encoder, D width

/// <summary>The shape and the weights of a model after a conversion to hierarchical attention.</summary>
internal static class ConvertedModel
{
    private const string PositionTable = "position_embedding.weight";

    /// <summary>Returns the shape of an encoder with hierarchical attention in some layers.</summary>
    /// <param name="model">The shape of the encoder.</param>
    /// <param name="layers">The layers to swap, 0 the first.</param>
    /// <param name="options">The trees and the length.</param>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the encoder.</exception>
    public static MahaTransformerOptions OptionsOf(MahaTransformerOptions model, IReadOnlyCollection<int> layers, HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(options);
        AttentionOptions[] attentions = [.. Enumerable.Range(0, model.NumLayers).Select(layer => model.OfLayer(layer).Attention)];
        foreach (var hsa in attentions.OfType<HsaOptions>())
        {
            if (hsa.Hierarchy != options.Hierarchy || (options.Hierarchy == HierarchyKind.Blocks && hsa.Branching != options.Branching))
            {
                throw new ArgumentException(
                    $"The trees must be those of the layers that are hierarchical already, {hsa.Hierarchy} with branching {hsa.Branching}, but are " +
                    $"{options.Hierarchy} with {options.Branching}. Swap from the standard encoder.", nameof(options));
            }
        }
        foreach (int layer in layers.Distinct())
        {
            TensorChecks.InRange(layer, 0, model.NumLayers - 1, nameof(layers), $"The encoder has {model.NumLayers} layers.");
            if (attentions[layer] is not FullOptions)
            {
                throw new ArgumentException(
                    $"A layer must have the attention Full to be swapped, but layer {layer} has {attentions[layer].Kind}. Leave it out.", nameof(layers));
            }
            attentions[layer] = new HsaOptions { Hierarchy = options.Hierarchy, Branching = options.Branching };
        }
        var converted = model with { LayerAttention = attentions, TokenParts = options.TokenParts ?? model.TokenParts };
        if (options.MaxSequenceLength is not { } length)
            return converted;
        TensorChecks.InRange(
            length, model.Positions == PositionKind.Learned ? model.MaxSequenceLength : 8, 1 << 24, nameof(options.MaxSequenceLength),
            "Leave it out to keep the length of the encoder.");
        return converted.WithMaxSequenceLength(length);
    }

    /// <summary>Returns the windows in which a converted encoder reads documents.</summary>
    /// <param name="windows">The windows before the conversion.</param>
    /// <param name="options">The options of the conversion.</param>
    /// <exception cref="ArgumentException">The trees are those of sentences.</exception>
    public static WindowedEncoderOptions WindowsOf(WindowedEncoderOptions windows, HsaConversionOptions options)
    {
        if (options.Hierarchy != HierarchyKind.Blocks)
        {
            throw new ArgumentException(
                $"Hierarchy must be {HierarchyKind.Blocks} for an encoder that reads documents in windows, but is {options.Hierarchy}. Leave it out.",
                nameof(options));
        }
        if (options.MaxSequenceLength is not { } length)
            return windows;
        // One state per window stays one state per window.
        return windows with { WindowLength = length, ChunkLength = windows.ChunkLength == windows.WindowLength ? length : windows.ChunkLength };
    }

    /// <summary>Copies the weights of a model to its converted form, which moves to the same device and element type, in evaluation mode.</summary>
    /// <param name="from">The model.</param>
    /// <param name="build">Builds the converted model, with any weights. It is disposed if the weights don't fit.</param>
    /// <param name="interpolate">Whether positions that <paramref name="from"/> does not have are interpolated; otherwise they repeat.</param>
    public static T CopyWeights<T>(nn.Module from, Func<T> build, bool interpolate) where T : nn.Module
    {
        var to = RandomStateScope.Build(build);
        try
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var weight = from.parameters().First();
            to.to(weight.dtype);
            to.to(weight.device);
            var state = ModuleWeights.StateOf(from);
            foreach (var (name, table) in ModuleWeights.StateOf(to).Where(entry => entry.Key.EndsWith(PositionTable, StringComparison.Ordinal)))
            {
                if (state.TryGetValue(name, out var trained))
                    state[name] = Extend(trained, table.shape[0], interpolate);
            }
            ModuleWeights.Load(to, state);
            to.eval();
            return to;
        }
        catch
        {
            to.Dispose();
            throw;
        }
    }

    /// <summary>Extends a table of learned positions.</summary>
    /// <param name="trained">[P, D].</param>
    /// <param name="length">N, at least P.</param>
    /// <param name="interpolate">Whether the positions are stretched; otherwise they repeat.</param>
    /// <returns>[N, D]; <paramref name="trained"/> itself where N is P.</returns>
    public static Tensor Extend(Tensor trained, long length, bool interpolate)
    {
        long known = trained.shape[0];
        if (length == known)
            return trained;
        using var scope = NewDisposeScope();
        if (!interpolate)
            return trained.index_select(0, arange(length, dtype: ScalarType.Int64, device: trained.device).remainder(known)).MoveToOuterDisposeScope();
        var place = linspace(0, known - 1, length, ScalarType.Float64, trained.device); // [N]
        var before = place.floor().to(ScalarType.Int64).clamp(0, known - 1); // [N]
        var share = (place - before).to(trained.dtype).unsqueeze(1); // [N, 1]
        var (left, right) = (trained.index_select(0, before), trained.index_select(0, (before + 1).clamp(0, known - 1)));
        return lerp(left, right, share).MoveToOuterDisposeScope();
    }

    /// <summary>Returns a context with the trees of its documents, where the options ask for trees of sentences and the context has none.</summary>
    public static MixingContext WithTrees(Tensor tokenIds, MixingContext context, HsaConversionOptions options) =>
        options.Hierarchy == HierarchyKind.Document && context.Hierarchies is null && options.TokenParts is not null
            ? context.WithTrees(tokenIds, options.TokenParts)
            : context;

    /// <summary>Checks documents to measure on.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static void Check(IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples, HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(options);
        if (samples.Count == 0)
            throw new ArgumentException("samples must hold at least one batch of documents to measure on, but hold none. Pass a few dozen documents.", nameof(samples));
        foreach (var sample in samples)
        {
            TensorChecks.Alive(sample.TokenIds, nameof(sample.TokenIds));
            ArgumentNullException.ThrowIfNull(sample.Context, nameof(sample.Context));
        }
    }
}
