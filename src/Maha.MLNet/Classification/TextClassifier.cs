using Maha.Layers.Models;
using Maha.MLNet.Internal;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>A trained classifier: tokenizer, network and labels.</summary>
internal sealed class TextClassifier : TextModel<ClassifierManifest, MahaSequenceClassifier>
{
    public TextClassifier(ModelFormat format, TextModelParts<ClassifierManifest, MahaSequenceClassifier> parts, Device device) : base(format, parts, device)
        => Labels = LabelNames.FromFile(Manifest.LabelType, Manifest.Labels);

    public LabelNames Labels { get; }

    /// <summary>How the file of a classifier is known.</summary>
    public static ModelFormat Format(string modelSignature, string loaderSignature) => new("classifier", "Classifier.json", modelSignature, loaderSignature);

    /// <summary>Reads a classifier back from the streams of a model file.</summary>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    public static TextClassifier Load(IHostEnvironment environment, ModelLoadContext context, ModelFormat format)
        => new(format, Load(context, format, ClassifierManifest.Read, manifest => new MahaSequenceClassifier(manifest.Model, manifest.Labels.Count)), Devices.Choose(environment));

    /// <summary>The logits of one document, [C].</summary>
    /// <param name="text">Any text; one without tokens gets the scores of an empty document.</param>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public float[] Logits(ReadOnlySpan<char> text)
    {
        using var use = new Use(this);
        var ids = Encode(text);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var (tokenIds, padding) = ToTensors(ids.Span);
        using var result = Network.call(tokenIds, padding);
        return result.Logits.select(0, 0).to(ScalarType.Float32).cpu().data<float>().ToArray();
    }
}
