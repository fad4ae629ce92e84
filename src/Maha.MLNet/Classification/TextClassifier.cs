using Maha.Layers.Models;
using Maha.Layers.Tokenization;
using Maha.Layers.Training;
using Maha.Layers.Weights;
using Maha.MLNet.Internal;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>A trained classifier: tokenizer, network and labels. Owns native memory. Safe to use from many threads.</summary>
internal sealed class TextClassifier : IDisposable
{
    /// <summary>Version 1.1 of the frame around the streams; what is in them is versioned by <see cref="ClassifierManifest.FormatVersion"/>.</summary>
    private const uint FrameVersion = 0x00010001;

    private readonly MahaSequenceClassifier _network;
    private readonly Device _device;
    private bool _disposed;

    public TextClassifier(ClassifierManifest manifest, ByteLevelBpeTokenizer tokenizer, MahaSequenceClassifier network, Device device)
    {
        Manifest = manifest;
        Tokenizer = tokenizer;
        Labels = LabelNames.FromFile(manifest.LabelType, manifest.Labels);
        _network = network;
        _device = device;
        _network.to(device);
        _network.eval();
    }

    public ClassifierManifest Manifest { get; }

    public ByteLevelBpeTokenizer Tokenizer { get; }

    public LabelNames Labels { get; }

    /// <summary>The logits of one document, [C].</summary>
    /// <param name="text">Any text; one without tokens gets the scores of an empty document.</param>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public float[] Logits(ReadOnlySpan<char> text)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var ids = TokenLimit.Cut(Tokenizer.Encode(text), Manifest.Model.MaxSequenceLength, Manifest.OverlongDocuments);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        // A document without tokens is one token of padding: the model takes at least one position.
        bool empty = ids.Length == 0;
        using var tokenIds = empty ? tensor(new long[] { ByteLevelBpeTokenizer.PadTokenId }, [1, 1], device: _device) : tensor(ids.ToArray(), [1, ids.Length], ScalarType.Int64, _device);
        var padding = empty ? ones(1, 1, dtype: ScalarType.Bool, device: _device) : null;
        using var result = _network.call(tokenIds, padding);
        return result.Logits.select(0, 0).to(ScalarType.Float32).cpu().data<float>().ToArray();
    }

    /// <summary>Writes the streams of a model file.</summary>
    public void Save(ModelSaveContext context, string modelSignature, string loaderSignature)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        MLNetInternals.Save(context, modelSignature, FrameVersion, loaderSignature,
        [
            ("Classifier.json", Manifest.Write),
            ("Tokenizer", Tokenizer.Save),
            ("Weights.safetensors", stream => ModuleWeights.Save(_network, stream)),
        ]);
    }

    /// <summary>Reads a classifier back from the streams of a model file.</summary>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    public static TextClassifier Load(IHostEnvironment environment, ModelLoadContext context, string modelSignature, string loaderSignature)
    {
        ClassifierManifest? manifest = null;
        ByteLevelBpeTokenizer? tokenizer = null;
        MahaSequenceClassifier? network = null;
        try
        {
            MLNetInternals.Load(context, modelSignature, FrameVersion, loaderSignature,
            [
                ("Classifier.json", stream => manifest = ClassifierManifest.Read(stream)),
                ("Tokenizer", stream => tokenizer = ByteLevelBpeTokenizer.Load(stream)),
                ("Weights.safetensors", stream =>
                {
                    if (tokenizer!.VocabSize != manifest!.Model.VocabSize)
                        throw new InvalidDataException($"The tokenizer and the network must have one vocabulary, but they have {tokenizer.VocabSize} and {manifest.Model.VocabSize} ids. The file is damaged: save the model again.");
                    network = new MahaSequenceClassifier(manifest.Model, Outputs(manifest));
                    ModuleWeights.Load(network, stream);
                }),
            ]);
            return new TextClassifier(manifest!, tokenizer!, network!, Devices.Choose(environment));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            network?.Dispose();
            throw new InvalidDataException($"The model file does not hold a whole classifier: {e.Message} Save the model again.", e);
        }
        catch
        {
            network?.Dispose();
            throw;
        }
    }

    /// <summary>C of the network: two classes have two logits as well, and the binary score is their difference.</summary>
    public static int Outputs(ClassifierManifest manifest) => manifest.Labels.Count;

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _network.Dispose();
    }
}
