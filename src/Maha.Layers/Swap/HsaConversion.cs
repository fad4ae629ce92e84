using Maha.Layers.Attention;
using Maha.Layers.Models;
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
        ConvertedModel.Check(samples, options);
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
            var context = ConvertedModel.WithTrees(tokenIds, given, options);
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
            throw new ArgumentException("samples must hold a token, but every document is empty. Pass documents with text.", nameof(samples));
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
        var converted = ConvertedModel.OptionsOf(encoder.Options, layers, options);
        return ConvertedModel.CopyWeights(encoder, () => new MahaEncoder(converted), options.InterpolatePositions);
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
        var converted = ConvertedModel.OptionsOf(classifier.Encoder.Options, layers, options);
        return ConvertedModel.CopyWeights(classifier, () => new MahaSequenceClassifier(converted, numClasses), options.InterpolatePositions);
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
        var subject = new SwapSubject<MahaSequenceClassifier>
        {
            Samples = samples,
            Encoder = model => model.Encoder,
            Swap = (model, layers) => Swap(model, layers, options),
            Outputs = (model, tokenIds, context) => model.Classify(tokenIds, context).Logits,
        };
        return new LayerOrder<MahaSequenceClassifier>(subject, options).Run(classifier, evaluate, numLayers);
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
                    {
                        var converted = ConvertedModel.OptionsOf(encoder.Options, [layer], options).OfLayer(layer);
                        Mixers[layer] = ConvertedModel.CopyWeights(encoder.Blocks[layer].Mixer, () => new HsaMixer(converted), options.InterpolatePositions);
                    }
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
}
