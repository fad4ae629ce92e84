using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Text;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>A trained classifier of documents with one label each.</summary>
internal sealed partial class TextClassifier : LabeledModel<ClassifierManifest>
{
    public TextClassifier(
        ModelFormat format, TextModelParts<ClassifierManifest, nn.Module<Tensor, Tensor?, ModelResult>> parts, NGramClassifier? ngrams, Device device)
        : base(format, parts, ngrams, device)
    {
    }

    /// <inheritdoc/>
    protected override bool UsesNetwork => Manifest.NGrams is not { Deep: 0 };

    /// <summary>Creates the file signature of a kind of classifier.</summary>
    public static ModelFormat CreateFormat(string modelSignature, string loaderSignature)
        => new("classifier", "Classifier.json", modelSignature, loaderSignature);

    /// <summary>Reads a classifier from the streams of a model file.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static TextClassifier Load(IHostEnvironment environment, ModelLoadContext context, ModelFormat format)
    {
        var parts = Load(
            context, format, ClassifierManifest.Read,
            manifest => manifest.NGrams is null ? null : stream => NGramClassifier.Load(stream, manifest.Labels.Count, manifest.FormatVersion), out var ngrams);
        return new TextClassifier(format, parts, ngrams, Devices.Choose(environment));
    }

    /// <summary>Returns a copy with hierarchical attention in some layers. The n-grams, the calibration and the threshold stay as they are.</summary>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the classifier.</exception>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public TextClassifier SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(Format, SwapLayers(layers, options, Build), NGrams, Device);

    /// <summary>Returns a copy with another threshold of abstention.</summary>
    /// <exception cref="ArgumentException">The threshold is not in (0, 1], or another output column has the name of the added one.</exception>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public TextClassifier WithAbstentionThreshold(double? threshold)
    {
        if (threshold is { } probability)
            AbstainedColumn.Check(probability, Manifest.Columns);
        return new(Format, Copy(Manifest with { FormatVersion = ClassifierManifest.CurrentFormat, AbstentionThreshold = threshold }, Build), NGrams, Device);
    }

    /// <inheritdoc/>
    protected override float[] Combine(NGramText? text, float[] deep) => text is null
        ? deep
        : NGrams!.RepeatedTexts.Adjust(Manifest.NGrams!.Value.Combine(NGrams.NewTextLogits(text), deep), text.ContentHash);
}
