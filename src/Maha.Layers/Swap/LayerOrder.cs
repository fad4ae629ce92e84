using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Swap;

/// <summary>Swaps the layers of a model one after the other, first the one that changes least.</summary>
/// <param name="subject">The kind of model, and the documents to measure on.</param>
/// <param name="options">The trees and the ranking.</param>
internal sealed class LayerOrder<T>(SwapSubject<T> subject, HsaConversionOptions options) where T : nn.Module
{
    /// <summary>Swaps layers, and evaluates the model after each swap.</summary>
    /// <param name="model">The model. It does not change.</param>
    /// <param name="evaluate">The score of a model, which is disposed afterwards.</param>
    /// <param name="numLayers">How many layers to swap at most; all where it is null.</param>
    /// <returns>A row for no swapped layer, and one for every swap.</returns>
    public IReadOnlyList<SwapStep> Run(T model, Func<T, double> evaluate, int? numLayers)
    {
        ConvertedModel.Check(subject.Samples, options);
        TensorChecks.Known(options.Ranking, nameof(options.Ranking));
        TensorChecks.InRange(numLayers ?? 0, 0, int.MaxValue, nameof(numLayers), "Use null for all layers.");
        using var scope = NewDisposeScope();
        (Tensor TokenIds, MixingContext Context)[] read = [.. subject.Samples.Select(batch => subject.EncoderInput(model, batch.TokenIds, batch.Context))];
        var encoder = subject.Encoder(model);
        foreach (var (tokenIds, _) in read)
            TensorChecks.TokenIds(tokenIds, encoder.Options.VocabSize, int.MaxValue, encoder.TokenEmbeddings, "samples");
        long[] flat = Flops(encoder.Options, read);
        var steps = new List<SwapStep> { new(-1, 0, [], Evaluate(model, evaluate), flat.Sum(), 0) };
        var swapped = new SortedSet<int>();
        var own = Outputs(model);
        var current = model;
        try
        {
            while (swapped.Count < (numLayers ?? int.MaxValue) && HsaConversion.Measure(subject.Encoder(current), read, options) is { Count: > 0 } left)
            {
                var next = options.Ranking == SwapRanking.Attention
                    ? left.MinBy(layer => layer.Mean)!
                    : left.MinBy(layer =>
                    {
                        using var candidate = subject.Swap(model, [.. swapped, layer.Layer]);
                        return Distance(own, candidate);
                    })!;
                swapped.Add(next.Layer);
                var converted = subject.Swap(model, swapped);
                if (!ReferenceEquals(current, model))
                    current.Dispose();
                current = converted;
                long[] flops = Flops(subject.Encoder(current).Options, read);
                double reduction = 1 - (swapped.Sum(layer => flops[layer]) / (double)swapped.Sum(layer => flat[layer]));
                steps.Add(new SwapStep(next.Layer, next.Mean, [.. swapped], Evaluate(current, evaluate), flops.Sum(), reduction)
                {
                    PredictionDistance = Distance(own, current),
                });
            }
        }
        finally
        {
            if (!ReferenceEquals(current, model))
                current.Dispose();
        }
        return steps;
    }

    // Every model is judged without dropout, the given one too.
    private static double Evaluate(T model, Func<T, double> evaluate)
    {
        using var evaluation = new EvaluationMode(model);
        return evaluate(model);
    }

    private List<Tensor> Outputs(T model)
    {
        using var noGradient = no_grad();
        using var evaluation = new EvaluationMode(model);
        return [.. subject.Samples.Select(batch => subject.Outputs(model, batch.TokenIds, batch.Context))];
    }

    // The mean over the documents.
    private double Distance(List<Tensor> own, T model)
    {
        using var scope = NewDisposeScope();
        return own.Zip(Outputs(model), subject.Distance).Sum() / own.Sum(batch => batch.shape[0]);
    }

    // The operations of every layer's attention over the samples.
    private long[] Flops(MahaTransformerOptions model, IReadOnlyList<(Tensor TokenIds, MixingContext Context)> read)
    {
        long[] flops = new long[model.NumLayers];
        foreach (var (tokenIds, given) in read)
        {
            var context = ConvertedModel.WithTrees(tokenIds, given, options);
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
}
