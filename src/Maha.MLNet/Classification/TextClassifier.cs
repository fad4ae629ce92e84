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

    private const string ManifestStream = "Classifier.json";
    private const string TokenizerStream = "Tokenizer";
    private const string WeightsStream = "Weights.safetensors";
    private const string ChecksumStream = "Checksums";

    private readonly MahaSequenceClassifier _network;
    private readonly Device _device;
    private readonly Lock _lock = new();
    private int _users;
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
        using var use = new Use(this);
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
        using var use = new Use(this);
        var checksums = new StreamChecksums();
        MLNetInternals.Save(context, modelSignature, FrameVersion, loaderSignature,
        [
            (ManifestStream, stream => checksums.Write(ManifestStream, stream, Manifest.Write)),
            (TokenizerStream, stream => checksums.Write(TokenizerStream, stream, Tokenizer.Save)),
            (WeightsStream, stream => checksums.Write(WeightsStream, stream, target => ModuleWeights.Save(_network, target))),
            (ChecksumStream, checksums.Save),
        ]);
    }

    /// <summary>Reads a classifier back from the streams of a model file.</summary>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    public static TextClassifier Load(IHostEnvironment environment, ModelLoadContext context, string modelSignature, string loaderSignature)
    {
        StreamChecksums? checksums = null;
        ClassifierManifest? manifest = null;
        ByteLevelBpeTokenizer? tokenizer = null;
        MahaSequenceClassifier? network = null;
        try
        {
            MLNetInternals.Load(context, modelSignature, FrameVersion, loaderSignature,
            [
                (ChecksumStream, stream => checksums = StreamChecksums.Load(stream)),
                (ManifestStream, stream =>
                {
                    checksums!.Check(ManifestStream, stream);
                    manifest = ClassifierManifest.Read(stream);
                }),
                (TokenizerStream, stream =>
                {
                    checksums!.Check(TokenizerStream, stream);
                    tokenizer = ByteLevelBpeTokenizer.Load(stream);
                }),
                (WeightsStream, stream =>
                {
                    checksums!.Check(WeightsStream, stream);
                    if (tokenizer!.VocabSize != manifest!.Model.VocabSize)
                        throw new InvalidDataException($"The tokenizer and the network must have one vocabulary, but they have {tokenizer.VocabSize} and {manifest.Model.VocabSize} ids. The file is damaged: save the model again.");
                    // Before the network is built: a few bytes of options could ask for all memory.
                    long least = manifest.LeastWeights() * sizeof(float);
                    if (stream.Length < least)
                        throw new InvalidDataException($"The weights of the network that the file describes take at least {least} bytes, but the file has {stream.Length}. The file is damaged: save the model again.");
                    network = new MahaSequenceClassifier(manifest.Model, manifest.Labels.Count);
                    ModuleWeights.Load(network, stream);
                }),
            ]);
            return new TextClassifier(manifest!, tokenizer!, network!, Devices.Choose(environment));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            network?.Dispose();
            throw new InvalidDataException($"The model file does not hold a whole classifier that this version reads: {e.Message} Save the model again, or update the package Maha.MLNet.", e);
        }
        catch
        {
            network?.Dispose();
            throw;
        }
    }

    /// <summary>Frees the network: at once, or when the last call that uses it has ended.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_users == 0)
                _network.Dispose();
        }
    }

    /// <summary>While it lives, the network does: freeing weights under a running prediction would crash the process.</summary>
    private readonly ref struct Use
    {
        private readonly TextClassifier _classifier;

        public Use(TextClassifier classifier)
        {
            lock (classifier._lock)
            {
                ObjectDisposedException.ThrowIf(classifier._disposed, classifier);
                classifier._users++;
            }
            _classifier = classifier;
        }

        public void Dispose()
        {
            lock (_classifier._lock)
            {
                _classifier._users--;
                if (_classifier._disposed && _classifier._users == 0)
                    _classifier._network.Dispose();
            }
        }
    }
}
