using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Text;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>A trained classifier: tokenizer, network, n-grams and labels.</summary>
/// <remarks>*** Format *** That of TextModel. If the manifest has n-grams, there is also the stream NGrams (NGramClassifier.Save).</remarks>
internal sealed class TextClassifier : TextModel<ClassifierManifest, nn.Module<Tensor, Tensor?, ModelResult>>
{
    private const string NGramStream = "NGrams";

    private readonly ModelFormat _format;
    private readonly NGramClassifier? _ngrams;

    public TextClassifier(ModelFormat format, TextModelParts<ClassifierManifest, nn.Module<Tensor, Tensor?, ModelResult>> parts, NGramClassifier? ngrams, Device device)
        : base(format, parts, device)
    {
        Labels = LabelNames.FromFile(Manifest.LabelType, Manifest.Labels);
        _format = format;
        _ngrams = ngrams;
    }

    public LabelNames Labels { get; }

    /// <summary>The n-grams; null for a classifier without them.</summary>
    public NGramClassifier? NGrams => _ngrams;

    /// <summary>Creates the file signature of a kind of classifier.</summary>
    public static ModelFormat CreateFormat(string modelSignature, string loaderSignature)
        => new("classifier", "Classifier.json", modelSignature, loaderSignature);

    /// <summary>Reads a classifier from the streams of a model file.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static TextClassifier Load(IHostEnvironment environment, ModelLoadContext context, ModelFormat format)
    {
        NGramClassifier? ngrams = null;
        var parts = Load(
            context, format, ClassifierManifest.Read, Build,
            manifest => manifest.NGrams is null
                ? []
                : [(NGramStream, stream => ngrams = NGramClassifier.Load(stream, manifest.Labels.Count, manifest.FormatVersion))]);
        return new TextClassifier(format, parts, ngrams, Devices.Choose(environment));
    }

    /// <summary>Computes the logits of documents, [C] each.</summary>
    /// <param name="texts">Any texts. One without tokens has the scores of an empty document.</param>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public float[][] Logits(IReadOnlyList<ReadOnlyMemory<char>> texts)
    {
        using var use = new Use(this);
        var documents = Encode(texts, keepTexts: _ngrams is not null);
        // A network that had no time to learn has no weight, and need not compute.
        float[][] logits = Manifest.NGrams is { Deep: 0 }
            ? [.. texts.Select(_ => new float[Manifest.Labels.Count])]
            : Predict(documents, (tokenIds, padding) => Network.call(tokenIds, padding).Logits);
        if (_ngrams is not null)
        {
            ForEach(logits.Length, i =>
            {
                var text = _ngrams.Read(documents.TextOf(i));
                logits[i] = _ngrams.RepeatedTexts.Adjust(Manifest.NGrams!.Value.Combine(_ngrams.NewTextLogits(text), logits[i]), text.ContentHash);
            });
        }

        return logits;
    }

    /// <summary>Computes the logits of the network alone, without n-grams, [C] each.</summary>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    internal float[][] NetworkLogits(EncodedTexts documents)
    {
        using var use = new Use(this);
        return Predict(documents, (tokenIds, padding) => Network.call(tokenIds, padding).Logits);
    }

    /// <summary>Returns a copy with hierarchical attention in some layers. The n-grams, the calibration and the threshold stay as they are.</summary>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the classifier.</exception>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public TextClassifier SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(_format, SwapLayers(layers, options, Build), _ngrams, Device);

    /// <summary>Orders the layers by how little their swap changes the network's class probabilities for some texts.</summary>
    /// <exception cref="ArgumentException">There is no text, or the options don't suit the classifier.</exception>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public IReadOnlyList<int> RankLayers(IEnumerable<string> texts, HsaConversionOptions options) => RankLayers(
        texts, options, Build, (samples, swap) => new SwapSubject<nn.Module<Tensor, Tensor?, ModelResult>>
        {
            Samples = samples,
            Swap = swap,
            Encoder = network => network is WindowedClassifier windowed ? windowed.Reader.Encoder : ((MahaSequenceClassifier)network).Encoder,
            Outputs = (network, tokenIds, context) => network.call(tokenIds, context.KeyPaddingMask).Logits,
            EncoderInput = (network, tokenIds, context) =>
                network is WindowedClassifier windowed ? windowed.Reader.WindowsOf(tokenIds, context.KeyPaddingMask) : (tokenIds, context),
        });

    /// <summary>Returns a copy with another threshold of abstention.</summary>
    /// <exception cref="ArgumentException">The threshold is not in (0, 1], or another output column has the name of the added one.</exception>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public TextClassifier WithAbstentionThreshold(double? threshold)
    {
        if (threshold is { } probability)
            AbstainedColumn.Check(probability, Manifest.Columns);
        return new(_format, Copy(Manifest with { FormatVersion = ClassifierManifest.CurrentFormat, AbstentionThreshold = threshold }, Build), _ngrams, Device);
    }

    private static nn.Module<Tensor, Tensor?, ModelResult> Build(ClassifierManifest manifest) => manifest.Windows is null
        ? new MahaSequenceClassifier(manifest.Model, manifest.Labels.Count)
        : new WindowedClassifier(manifest.Model, manifest.Windows, manifest.Labels.Count);

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Action<Stream> Write)> ExtraStreams() => _ngrams is null ? [] : [(NGramStream, _ngrams.Save)];
}
