using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using Maha.MLNet.Bridge;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.ModelFiles;

/// <summary>A trained model: tokenizer, network and manifest. It owns native memory, and may be used from many threads at once.</summary>
/// <typeparam name="TManifest">The description of the model in its file.</typeparam>
/// <typeparam name="TNetwork">The network.</typeparam>
/// <remarks>
/// *** Format *** The main stream has ML.NET's version header and nothing after it. The other streams are the
/// manifest (<see cref="ModelFormat.ManifestStream"/>), Tokenizer (ITextTokenizer.Save), Weights.safetensors and Checksums (StreamChecksums).
/// </remarks>
internal abstract partial class TextModel<TManifest, TNetwork> : ITextModel
    where TManifest : ModelManifest
    where TNetwork : nn.Module
{
    private readonly ModelFormat _format;
    private readonly Lock _lock = new();
    private int _users;
    private bool _disposed;

    /// <summary>Takes ownership of a network.</summary>
    protected TextModel(ModelFormat format, TextModelParts<TManifest, TNetwork> parts, Device device)
    {
        _format = format;
        (Manifest, Tokenizer, Network) = parts;
        Device = device;
        if (Manifest is WindowedManifest { Windows: { } windows })
            Windows = new TokenWindows((WordPieceTokenizer)Tokenizer, windows.WindowLength);
        Network.to(device);
        Network.eval();
    }

    public TManifest Manifest { get; }

    public ITextTokenizer Tokenizer { get; }

    /// <summary>The network. Use it only while a <see cref="Use"/> is not disposed.</summary>
    protected TNetwork Network { get; }

    protected Device Device { get; }

    /// <summary>The windows in which the network reads documents; null if it reads them whole.</summary>
    protected TokenWindows? Windows { get; }

    /// <inheritdoc/>
    public void Save(ModelSaveContext context)
    {
        using var use = new Use(this);
        // Before the first stream, so that no half of a model is written.
        ModuleWeights.RequireAlive(Network);
        var checksums = new StreamChecksums();
        MLNetInternals.Save(context, _format.ModelSignature, ModelFormat.HeaderVersion, _format.LoaderSignature,
        [
            (_format.ManifestStream, stream => checksums.Write(_format.ManifestStream, stream, Manifest.Write)),
            (ModelFormat.TokenizerStream, stream => checksums.Write(ModelFormat.TokenizerStream, stream, Tokenizer.Save)),
            (ModelFormat.WeightsStream, stream => checksums.Write(ModelFormat.WeightsStream, stream, target => ModuleWeights.Save(Network, target))),
            .. ExtraStreams().Select<(string Name, Action<Stream> Write), (string, Action<Stream>)>(
                extra => (extra.Name, stream => checksums.Write(extra.Name, stream, extra.Write))),
            (ModelFormat.ChecksumStream, checksums.Save),
        ]);
    }

    /// <inheritdoc/>
    public void SaveWeights(string path)
    {
        using var use = new Use(this);
        using var manifest = new MemoryStream();
        Manifest.Write(manifest);
        var metadata = new Dictionary<string, string>
        {
            [ModelFormat.ManifestMetadata] = System.Text.Encoding.UTF8.GetString(manifest.ToArray()),
            [ModelFormat.TokenizerMetadata] = ToBase64(Tokenizer),
        };
        foreach (var (name, tokenizer) in ExtraTokenizers())
            metadata.Add(name, ToBase64(tokenizer));
        ModuleWeights.Save(Network, path, metadata);

        static string ToBase64(ITextTokenizer tokenizer)
        {
            using var stream = new MemoryStream();
            tokenizer.Save(stream);
            return Convert.ToBase64String(stream.ToArray());
        }
    }

    /// <summary>Frees the network: at once, or when the last call that uses it ends.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_users == 0)
                Network.Dispose();
        }
    }

    /// <summary>Calls a function with the network, which can't be disposed meanwhile.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal TResult UseNetwork<TResult>(Func<TNetwork, TResult> use)
    {
        using var active = new Use(this);
        return use(Network);
    }

    /// <summary>Returns the streams that only this kind of model has.</summary>
    protected virtual IEnumerable<(string Name, Action<Stream> Write)> ExtraStreams() => [];

    /// <summary>Returns the tokenizers that only this kind of model has, and the metadata of a weight file that holds them.</summary>
    protected virtual IEnumerable<(string Metadata, ITextTokenizer Tokenizer)> ExtraTokenizers() => [];

    /// <summary>Reads the parts of a model from the streams of a model file.</summary>
    /// <param name="context">ML.NET's access to the file.</param>
    /// <param name="format">The names and signatures of the file.</param>
    /// <param name="read">Reads and checks the manifest.</param>
    /// <param name="build">Builds the network that the manifest describes, with any weights.</param>
    /// <param name="extra">Returns the streams that only this kind of model has, according to the manifest; null if it has none.</param>
    /// <exception cref="MahaModelVersionException">A newer version of this library wrote the file.</exception>
    /// <exception cref="MahaModelFileException">The file is damaged.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    protected static TextModelParts<TManifest, TNetwork> Load(
        ModelLoadContext context, ModelFormat format, Func<Stream, TManifest> read, Func<TManifest, TNetwork> build,
        Func<TManifest, IEnumerable<(string Name, Action<Stream> Read)>>? extra = null)
    {
        // Before any stream is read, since the error of a damaged file would hide that the native library is missing.
        TorchLibrary.EnsureLoaded();
        StreamChecksums? checksums = null;
        TManifest? manifest = null;
        ITextTokenizer? tokenizer = null;
        TNetwork? network = null;
        try
        {
            MLNetInternals.Load(context, format.ModelSignature, ModelFormat.HeaderVersion, format.LoaderSignature, Streams());
            return new(manifest!, tokenizer!, network!);
        }
        catch (Exception e)
        {
            network?.Dispose();
            switch (e)
            {
                case MahaModelFileException:
                    throw;
                case FormatException when MLNetInternals.IsNewer(context, ModelFormat.HeaderVersion):
                    throw new MahaModelVersionException($"This version of Maha does not read the file of the {format.DisplayName}: {e.Message}", e);
                case InvalidDataException:
                    throw new MahaModelFileException(e.Message, e);
                case FormatException or ArgumentException:
                    throw new MahaModelFileException(
                        $"The model file does not hold a whole {format.DisplayName} that this version reads: {e.Message} " +
                        "Save the model again, or update the package Maha.MLNet.", e);
                default:
                    throw;
            }
        }

        // Streams are requested one at a time, since the manifest decides which ones follow.
        IEnumerable<(string, Action<Stream>)> Streams()
        {
            yield return (ModelFormat.ChecksumStream, stream => checksums = StreamChecksums.Load(stream));
            yield return Checked(format.ManifestStream, stream => manifest = read(stream));
            yield return Checked(ModelFormat.TokenizerStream, stream => tokenizer = TextTokenizers.Load(stream));
            yield return Checked(ModelFormat.WeightsStream, ReadWeights);
            foreach (var (name, readExtra) in extra?.Invoke(manifest!) ?? [])
                yield return Checked(name, readExtra);
        }

        (string, Action<Stream>) Checked(string name, Action<Stream> readStream)
        {
            return (name, CheckAndRead);

            void CheckAndRead(Stream stream)
            {
                checksums!.Check(name, stream);
                readStream(stream);
            }
        }

        void ReadWeights(Stream stream)
        {
            if (tokenizer!.VocabSize != manifest!.Model.VocabSize)
            {
                throw MahaModelFileException.Damaged(
                    $"The tokenizer and the network must have one vocabulary, but they have {tokenizer.VocabSize} and {manifest.Model.VocabSize} ids.");
            }
            if (tokenizer is WordPieceTokenizer != manifest.UsesWordPiece)
            {
                throw MahaModelFileException.Damaged(
                    $"The tokenizer must be {(manifest.UsesWordPiece ? "WordPiece" : "byte-level BPE")} for this model, but is {tokenizer.GetType().Name}.");
            }
            // Before the network is built: a few bytes of options could request all memory.
            long minBytes = manifest.MinNumWeights() * sizeof(float);
            if (stream.Length < minBytes)
            {
                throw MahaModelFileException.Damaged(
                    $"The weights of the network that the file describes take at least {minBytes} bytes, but the file has {stream.Length}.");
            }
            network = NetworkBuilding.Build(() => build(manifest));
            ModuleWeights.Load(network, stream);
        }
    }

    /// <summary>Keeps the network alive like <see cref="Use"/>, but across an asynchronous method. Dispose the result once.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    protected IDisposable KeepAlive()
    {
        Enter();
        return new AsyncUse(this);
    }

    private void Enter()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                throw new ObjectDisposedException(
                    $"The Maha {_format.DisplayName}",
                    "A model must not be disposed while it is used, but was. A prediction engine disposes its model with itself: keep one engine, or " +
                    "create engines with PredictionEngineOptions.OwnsTransformer = false.");
            }
            _users++;
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _users--;
            if (_disposed && _users == 0)
                Network.Dispose();
        }
    }

    /// <summary>Keeps the network alive until it is disposed: freeing weights during a prediction would crash the process.</summary>
    protected readonly ref struct Use
    {
        private readonly TextModel<TManifest, TNetwork> _model;

        public Use(TextModel<TManifest, TNetwork> model)
        {
            model.Enter();
            _model = model;
        }

        public void Dispose() => _model.Leave();
    }

    private sealed class AsyncUse(TextModel<TManifest, TNetwork> model) : IDisposable
    {
        public void Dispose() => model.Leave();
    }
}

/// <summary>The parts of a model.</summary>
internal readonly record struct TextModelParts<TManifest, TNetwork>(TManifest Manifest, ITextTokenizer Tokenizer, TNetwork Network);
