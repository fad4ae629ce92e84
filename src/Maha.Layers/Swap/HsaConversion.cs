using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Swap;

// B batch, N length, D width, H heads

/// <summary>Swaps layers of a trained standard encoder to hierarchical attention, keeping all weights.</summary>
/// <remarks>
/// <para>A swapped layer has the same projections and heads. Its attention weights are constant between the parts of a tree; among such weights they are
/// nearest to the softmax weights of the layer. Nothing is trained, and what a swap costs in accuracy depends on the layer. Layers are measured on sample
/// documents, by how much their swap changes the predictions or their own rows, and are swapped in rising order. After each swap the remaining layers are
/// measured again, since a swapped layer changes the input of later ones.</para>
/// <para>The given models do not change; swapped models are new and own copies of the weights.</para>
/// </remarks>
public static class HsaConversion
{
    /// <summary>Measures the layers that have standard attention.</summary>
    /// <param name="encoder">The encoder, some of whose layers may be swapped already.</param>
    /// <param name="samples">Batches of a few documents: token ids [B, N] of Int64, and the padding mask and trees that belong to them.</param>
    /// <param name="options">The trees.</param>
    /// <returns>A value for every layer with <see cref="AttentionKind.Full"/>, in the order of the layers. Time O(N^2) a document and layer.</returns>
    /// <exception cref="ArgumentException">There is no sample, or no document in them has a token.</exception>
    internal static IReadOnlyList<LayerDistance> Measure(
        MahaEncoder encoder, IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples, HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        Check(samples, options);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var evaluation = new EvaluationMode(encoder);
        using var candidates = new Candidates(encoder, options);
        var mixers = candidates.Mixers;
        var sums = mixers.Keys.ToDictionary(layer => layer, _ => new double[encoder.Options.NumHeads]);
        long documents = 0;
        foreach (var (tokenIds, given) in samples)
        {
            using var batch = NewDisposeScope();
            var context = WithTrees(tokenIds, given, options);
            documents += context.Lengths(tokenIds.shape[0], tokenIds.shape[1]).LongCount(length => length > 0);
            var hidden = encoder.Embed(tokenIds);
            for (int layer = 0; layer < encoder.Blocks.Count; layer++)
            {
                if (mixers.TryGetValue(layer, out var mixer))
                {
                    double[] heads = mixer.DistanceToFlat(hidden, context).sum([0]).to(ScalarType.Float64).cpu().data<double>().ToArray(); // [H]
                    for (int head = 0; head < heads.Length; head++)
                        sums[layer][head] += heads[head];
                }
                hidden = encoder.Blocks[layer].call(hidden, context).Output;
            }
        }
        if (documents == 0)
            throw new ArgumentException("samples must hold a token, but every document is empty.", nameof(samples));
        return [.. sums.OrderBy(pair => pair.Key).Select(pair => new LayerDistance(pair.Key, [.. pair.Value.Select(sum => sum / documents)]))];
    }

    /// <summary>An encoder with the weights of another and hierarchical attention in some layers.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="layers">The layers to swap, 0 the first. They must have standard attention.</param>
    /// <param name="options">The trees.</param>
    /// <returns>A new encoder on the same device, in evaluation mode.</returns>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the trees are not those of layers swapped before.</exception>
    public static MahaEncoder Swap(MahaEncoder encoder, IReadOnlyCollection<int> layers, HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        return Copy(encoder, new MahaEncoder(SwappedOptions(encoder.Options, layers, options)));
    }

    /// <summary>A classifier with the weights of another and hierarchical attention in some layers.</summary>
    /// <param name="classifier">The classifier.</param>
    /// <param name="layers">The layers to swap, 0 the first. They must have standard attention.</param>
    /// <param name="options">The trees.</param>
    /// <returns>A new classifier on the same device, in evaluation mode.</returns>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the trees are not those of layers swapped before.</exception>
    public static MahaSequenceClassifier Swap(MahaSequenceClassifier classifier, IReadOnlyCollection<int> layers, HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        int numClasses = (int)classifier.state_dict()["head.weight"].shape[0];
        return Copy(classifier, new MahaSequenceClassifier(SwappedOptions(classifier.Encoder.Options, layers, options), numClasses));
    }

    /// <summary>
    /// Swaps one layer after the other, first the one that changes least by <see cref="HsaConversionOptions.Ranking"/>, and evaluates the model after each swap.
    /// </summary>
    /// <param name="classifier">A trained classifier with standard attention.</param>
    /// <param name="samples">Batches of a few documents to measure on: token ids [B, N] of Int64, and the padding mask and trees that belong to them.</param>
    /// <param name="evaluate">The accuracy, or whatever tells how good a model is. The model is disposed afterwards.</param>
    /// <param name="options">The trees.</param>
    /// <param name="numLayers">How many layers to swap at most; all where it is null.</param>
    /// <returns>A row for no swapped layer, and one for every swap.</returns>
    /// <exception cref="ArgumentException">The samples or the options are not valid.</exception>
    public static IReadOnlyList<SwapStep> SwapInOrder(
        MahaSequenceClassifier classifier, IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples, Func<MahaSequenceClassifier, double> evaluate,
        HsaConversionOptions options, int? numLayers = null)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        ArgumentNullException.ThrowIfNull(evaluate);
        Check(samples, options);
        TensorChecks.Known(options.Ranking, nameof(options.Ranking));
        TensorChecks.InRange(numLayers ?? 0, 0, int.MaxValue, nameof(numLayers), "Use null for all layers.");
        long[] flat = Flops(classifier.Encoder.Options, samples, options);
        var steps = new List<SwapStep> { new(-1, 0, [], evaluate(classifier), flat.Sum(), 0) };
        var swapped = new SortedSet<int>();
        using var scope = NewDisposeScope();
        var own = LogProbabilities(classifier, samples);
        var current = classifier;
        try
        {
            while (swapped.Count < (numLayers ?? int.MaxValue) && Measure(current.Encoder, samples, options) is { Count: > 0 } left)
            {
                var next = options.Ranking == SwapRanking.Attention
                    ? left.MinBy(layer => layer.Mean)!
                    : left.MinBy(layer =>
                    {
                        using var candidate = Swap(classifier, [.. swapped, layer.Layer], options);
                        return Distance(own, candidate, samples);
                    })!;
                swapped.Add(next.Layer);
                var model = Swap(classifier, swapped, options);
                if (!ReferenceEquals(current, classifier))
                    current.Dispose();
                current = model;
                long[] flops = Flops(current.Encoder.Options, samples, options);
                double reduction = 1 - (swapped.Sum(layer => flops[layer]) / (double)swapped.Sum(layer => flat[layer]));
                steps.Add(new SwapStep(next.Layer, next.Mean, [.. swapped], evaluate(current), flops.Sum(), reduction)
                {
                    PredictionDistance = Distance(own, current, samples),
                });
            }
        }
        finally
        {
            if (!ReferenceEquals(current, classifier))
                current.Dispose();
        }
        return steps;
    }

    // The logarithms of the class probabilities of every batch, [B, C].
    private static List<Tensor> LogProbabilities(MahaSequenceClassifier classifier, IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples)
    {
        using var noGradient = no_grad();
        using var evaluation = new EvaluationMode(classifier);
        return [.. samples.Select(batch => nn.functional.log_softmax(classifier.Classify(batch.TokenIds, batch.Context).Logits.to(ScalarType.Float64), 1))];
    }

    // The mean over the documents of KL(own || the model's).
    private static double Distance(List<Tensor> own, MahaSequenceClassifier model, IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples)
    {
        using var scope = NewDisposeScope();
        double sum = own.Zip(LogProbabilities(model, samples), (p, q) => (p.exp() * (p - q)).sum().item<double>()).Sum();
        return sum / own.Sum(batch => batch.shape[0]);
    }

    // The operations of every layer's attention over the samples.
    private static long[] Flops(MahaTransformerOptions model, IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples, HsaConversionOptions options)
    {
        long[] flops = new long[model.NumLayers];
        foreach (var (tokenIds, given) in samples)
        {
            var context = WithTrees(tokenIds, given, options);
            int[] lengths = context.Lengths(tokenIds.shape[0], tokenIds.shape[1]);
            for (int document = 0; document < lengths.Length; document++)
            {
                if (lengths[document] == 0)
                    continue;
                for (int layer = 0; layer < flops.Length; layer++)
                {
                    var shape = model.OfLayer(layer);
                    flops[layer] += shape.Attention is HsaOptions { Hierarchy: HierarchyKind.Document }
                        ? BlockFlops.OfTree(shape, context.Hierarchies![document]!)
                        : BlockFlops.Of(shape, lengths[document]).Attention;
                }
            }
        }
        return flops;
    }

    private static T Copy<T>(nn.Module from, T to) where T : nn.Module
    {
        var weight = from.parameters().First();
        to.to(weight.dtype);
        to.to(weight.device);
        ModuleWeights.Load(to, ModuleWeights.StateOf(from));
        to.eval();
        return to;
    }

    private static MahaTransformerOptions SwappedOptions(MahaTransformerOptions model, IReadOnlyCollection<int> layers, HsaConversionOptions options)
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
        return model with { LayerAttention = attentions, TokenParts = options.TokenParts ?? model.TokenParts };
    }

    private static MixingContext WithTrees(Tensor tokenIds, MixingContext context, HsaConversionOptions options) =>
        options.Hierarchy == HierarchyKind.Document && context.Hierarchies is null && options.TokenParts is not null
            ? context.WithTrees(tokenIds, options.TokenParts)
            : context;

    private static void Check(IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples, HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(options);
        if (samples.Count == 0)
            throw new ArgumentException("samples must hold at least one batch of documents to measure on, but hold none.", nameof(samples));
        foreach (var sample in samples)
        {
            TensorChecks.Alive(sample.TokenIds, nameof(sample.TokenIds));
            ArgumentNullException.ThrowIfNull(sample.Context, nameof(sample.Context));
        }
    }

    // A hierarchical mixer with the weights of every standard one.
    private sealed class Candidates : IDisposable
    {
        public Candidates(MahaEncoder encoder, HsaConversionOptions options)
        {
            try
            {
                for (int layer = 0; layer < encoder.Blocks.Count; layer++)
                {
                    if (encoder.Options.OfLayer(layer).Attention is FullOptions)
                        Mixers[layer] = Copy(encoder.Blocks[layer].Mixer, new HsaMixer(SwappedOptions(encoder.Options, [layer], options).OfLayer(layer)));
                }
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public Dictionary<int, HsaMixer> Mixers { get; } = [];

        public void Dispose()
        {
            foreach (var mixer in Mixers.Values)
                mixer.Dispose();
        }
    }

    // Dropout off, and on again at the end where it was.
    private sealed class EvaluationMode : IDisposable
    {
        private readonly nn.Module _module;
        private readonly bool _wasTraining;

        public EvaluationMode(nn.Module module)
        {
            (_module, _wasTraining) = (module, module.training);
            module.eval();
        }

        public void Dispose() => _module.train(_wasTraining);
    }
}
