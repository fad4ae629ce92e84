using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Text;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

// C classes or labels

/// <summary>A trained model of texts with labels: tokenizer, network, n-grams and labels.</summary>
/// <typeparam name="TManifest">The description of the model in its file.</typeparam>
/// <remarks>*** Format *** That of TextModel. A model with n-grams also has the stream NGrams (NGramClassifier.Save).</remarks>
internal abstract class LabeledModel<TManifest> : TextModel<TManifest, nn.Module<Tensor, Tensor?, ModelResult>> where TManifest : LabeledManifest
{
    private const string NGramStream = "NGrams";

    protected LabeledModel(
        ModelFormat format, TextModelParts<TManifest, nn.Module<Tensor, Tensor?, ModelResult>> parts, NGramClassifier? ngrams, Device device)
        : base(format, parts, device)
    {
        Labels = LabelNames.FromFile(Manifest.LabelType, Manifest.Labels);
        Format = format;
        NGrams = ngrams;
    }

    /// <summary>The labels.</summary>
    public LabelNames Labels { get; }

    /// <summary>The kind of the model's file.</summary>
    protected ModelFormat Format { get; }

    /// <summary>The n-grams; null for none.</summary>
    public NGramClassifier? NGrams { get; }

    /// <summary>Whether the network has a weight: one that had no time to learn has none, and need not compute.</summary>
    protected abstract bool UsesNetwork { get; }

    /// <summary>Computes the logits of documents, [C] each.</summary>
    /// <param name="texts">Any texts. One without tokens has the scores of an empty document.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public float[][] Logits(IReadOnlyList<ReadOnlyMemory<char>> texts)
    {
        using var use = new Use(this);
        var documents = Encode(texts, keepTexts: NGrams is not null);
        float[][] logits = UsesNetwork
            ? Predict(documents, (tokenIds, padding) => Network.call(tokenIds, padding).Logits)
            : [.. texts.Select(_ => new float[Manifest.Labels.Count])];
        if (NGrams is null)
            return [.. logits.Select(deep => Combine(null, deep))];
        ForEach(logits.Length, i => logits[i] = Combine(NGrams.Read(documents.TextOf(i)), logits[i]));
        return logits;
    }

    /// <summary>Computes the logits of the network alone, without n-grams, [C] each.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal float[][] NetworkLogits(EncodedTexts documents)
    {
        using var use = new Use(this);
        return Predict(documents, (tokenIds, padding) => Network.call(tokenIds, padding).Logits);
    }

    /// <summary>Combines the logits of the network with those of the n-grams.</summary>
    /// <param name="text">The text; null without n-grams.</param>
    /// <param name="deep">The logits of the network, [C].</param>
    protected abstract float[] Combine(NGramText? text, float[] deep);

    /// <summary>Orders the layers by how little their swap changes the network's probabilities for some texts.</summary>
    /// <exception cref="ArgumentException">There is no text, or the options don't suit the model.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
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

    /// <summary>Reads the parts of a model and its n-grams from the streams of a model file.</summary>
    /// <param name="context">ML.NET's access to the file.</param>
    /// <param name="format">The kind of the file.</param>
    /// <param name="read">Reads and checks the manifest.</param>
    /// <param name="readNGrams">Reads the n-grams; returns null where the manifest has none.</param>
    /// <param name="ngrams">The n-grams; null for none.</param>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    protected static TextModelParts<TManifest, nn.Module<Tensor, Tensor?, ModelResult>> Load(
        ModelLoadContext context, ModelFormat format, Func<Stream, TManifest> read, Func<TManifest, Func<Stream, NGramClassifier>?> readNGrams,
        out NGramClassifier? ngrams)
    {
        NGramClassifier? loaded = null;
        var parts = Load(
            context, format, read, Build,
            manifest => readNGrams(manifest) is { } readStream ? [(NGramStream, stream => loaded = readStream(stream))] : []);
        ngrams = loaded;
        return parts;
    }

    /// <summary>Builds the network that a manifest describes, with any weights.</summary>
    protected static nn.Module<Tensor, Tensor?, ModelResult> Build(TManifest manifest) => manifest.Windows is null
        ? new MahaSequenceClassifier(manifest.Model, manifest.Labels.Count)
        : new WindowedClassifier(manifest.Model, manifest.Windows, manifest.Labels.Count);

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Action<Stream> Write)> ExtraStreams() => NGrams is null ? [] : [(NGramStream, NGrams.Save)];
}
