using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Text;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.MultiLabel;

/// <summary>A trained classifier of documents with any number of labels each.</summary>
internal sealed class MultiLabelClassifier(
    TextModelParts<MultiLabelManifest, nn.Module<Tensor, Tensor?, ModelResult>> parts, NGramClassifier? ngrams, Device device)
    : LabeledModel<MultiLabelManifest>(MahaMultiLabelTextClassificationTransformer.FileFormat, parts, ngrams, device)
{
    /// <inheritdoc/>
    protected override bool UsesNetwork => Manifest.Network > 0;

    /// <summary>Reads a classifier from the streams of a model file.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static MultiLabelClassifier Load(IHostEnvironment environment, ModelLoadContext context)
    {
        var parts = Load(
            context, MahaMultiLabelTextClassificationTransformer.FileFormat, MultiLabelManifest.Read,
            manifest => manifest.NGrams is null
                ? null
                : stream => NGramClassifier.Load(stream, manifest.Labels.Count, MultiLabelManifest.NGramFormat, haveLabels: true), out var ngrams);
        return new MultiLabelClassifier(parts, ngrams, Devices.Choose(environment));
    }

    /// <summary>Returns a copy with hierarchical attention in some layers. The n-grams, the calibration and the thresholds stay as they are.</summary>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the classifier.</exception>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public MultiLabelClassifier SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(SwapLayers(layers, options, Build), NGrams, Device);

    /// <inheritdoc/>
    protected override float[] Combine(NGramText? text, float[] deep) => Manifest.Combine(text is null ? null : NGrams!.NewTextLogits(text), deep);
}
