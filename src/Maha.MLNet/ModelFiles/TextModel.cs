using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using Maha.MLNet.Bridge;
using Maha.MLNet.Fitting;
using Maha.MLNet.Rows;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.ModelFiles;

/// <summary>A trained model: tokenizer, network and what describes them. Owns native memory. Safe to use from many threads.</summary>
/// <typeparam name="TManifest">What describes the model in its file.</typeparam>
/// <typeparam name="TNetwork">The network.</typeparam>
/// <remarks>
/// *** Format *** the frame's version header, nothing behind it in the main stream; beside it the streams
/// manifest (<see cref="ModelFormat.ManifestStream"/>), Tokenizer (ByteLevelBpeTokenizer.Save), Weights.safetensors, Checksums (StreamChecksums).
/// </remarks>
internal abstract class TextModel<TManifest, TNetwork> : ITextModel
    where TManifest : ModelManifest
    where TNetwork : nn.Module
{
    private readonly ModelFormat _format;
    private readonly Lock _lock = new();
    private int _users;
    private bool _disposed;

    /// <summary>Takes over a network.</summary>
    protected TextModel(ModelFormat format, TextModelParts<TManifest, TNetwork> parts, Device device)
    {
        _format = format;
        (Manifest, Tokenizer, Network) = parts;
        Device = device;
        Network.to(device);
        Network.eval();
    }

    public TManifest Manifest { get; }

    public ByteLevelBpeTokenizer Tokenizer { get; }

    /// <summary>The network; only while a <see cref="Use"/> lives.</summary>
    protected TNetwork Network { get; }

    protected Device Device { get; }

    /// <inheritdoc/>
    public void Save(ModelSaveContext context)
    {
        using var use = new Use(this);
        // Before the first stream: half a model is not to be left behind.
        ModuleWeights.RequireAlive(Network);
        var checksums = new StreamChecksums();
        MLNetInternals.Save(context, _format.ModelSignature, ModelFormat.FrameVersion, _format.LoaderSignature,
        [
            (_format.ManifestStream, stream => checksums.Write(_format.ManifestStream, stream, Manifest.Write)),
            (ModelFormat.TokenizerStream, stream => checksums.Write(ModelFormat.TokenizerStream, stream, Tokenizer.Save)),
            (ModelFormat.WeightsStream, stream => checksums.Write(ModelFormat.WeightsStream, stream, target => ModuleWeights.Save(Network, target))),
            .. MoreStreams().Select<(string Name, Action<Stream> Write), (string, Action<Stream>)>(part => (part.Name, stream => checksums.Write(part.Name, stream, part.Write))),
            (ModelFormat.ChecksumStream, checksums.Save),
        ]);
    }

    /// <inheritdoc/>
    public void SaveWeights(string path)
    {
        using var use = new Use(this);
        using var manifest = new MemoryStream();
        using var tokenizer = new MemoryStream();
        Manifest.Write(manifest);
        Tokenizer.Save(tokenizer);
        ModuleWeights.Save(Network, path, new Dictionary<string, string>
        {
            [PretrainedFile.ManifestPair] = System.Text.Encoding.UTF8.GetString(manifest.ToArray()),
            [PretrainedFile.TokenizerPair] = Convert.ToBase64String(tokenizer.ToArray()),
        });
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
                Network.Dispose();
        }
    }

    /// <summary>The streams that only this kind of model has.</summary>
    protected virtual IEnumerable<(string Name, Action<Stream> Write)> MoreStreams() => [];

    /// <summary>Reads the parts of a model back from the streams of a model file.</summary>
    /// <param name="context">ML.NET's side of the file.</param>
    /// <param name="format">By what the file is known.</param>
    /// <param name="read">Reads and checks the manifest.</param>
    /// <param name="build">Builds the network that the manifest describes, with any weights.</param>
    /// <param name="more">The streams that only this kind of model has, as the manifest says; null where there are none.</param>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    protected static TextModelParts<TManifest, TNetwork> Load(ModelLoadContext context, ModelFormat format, Func<Stream, TManifest> read, Func<TManifest, TNetwork> build,
        Func<TManifest, IEnumerable<(string Name, Action<Stream> Read)>>? more = null)
    {
        // Before any stream is read: a damaged file would hide that nothing can be loaded here.
        TorchLibrary.EnsureLoaded();
        StreamChecksums? checksums = null;
        TManifest? manifest = null;
        ByteLevelBpeTokenizer? tokenizer = null;
        TNetwork? network = null;
        try
        {
            MLNetInternals.Load(context, format.ModelSignature, ModelFormat.FrameVersion, format.LoaderSignature, Streams());
            return new(manifest!, tokenizer!, network!);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            network?.Dispose();
            throw new InvalidDataException($"The model file does not hold a whole {format.Noun} that this version reads: {e.Message} Save the model again, or update the package Maha.MLNet.", e);
        }
        catch
        {
            network?.Dispose();
            throw;
        }

        // One after the other: what the manifest says decides on the later ones.
        IEnumerable<(string, Action<Stream>)> Streams()
        {
            yield return (ModelFormat.ChecksumStream, stream => checksums = StreamChecksums.Load(stream));
            yield return (format.ManifestStream, stream =>
            {
                checksums!.Check(format.ManifestStream, stream);
                manifest = read(stream);
            }
            );
            yield return (ModelFormat.TokenizerStream, stream =>
            {
                checksums!.Check(ModelFormat.TokenizerStream, stream);
                tokenizer = ByteLevelBpeTokenizer.Load(stream);
            }
            );
            yield return (ModelFormat.WeightsStream, stream =>
            {
                checksums!.Check(ModelFormat.WeightsStream, stream);
                if (tokenizer!.VocabSize != manifest!.Model.VocabSize)
                    throw new InvalidDataException($"The tokenizer and the network must have one vocabulary, but they have {tokenizer.VocabSize} and {manifest.Model.VocabSize} ids. The file is damaged: save the model again.");
                // Before the network is built: a few bytes of options could ask for all memory.
                long least = manifest.LeastWeights() * sizeof(float);
                if (stream.Length < least)
                    throw new InvalidDataException($"The weights of the network that the file describes take at least {least} bytes, but the file has {stream.Length}. The file is damaged: save the model again.");
                network = build(manifest);
                ModuleWeights.Load(network, stream);
            }
            );
            foreach (var (name, readPart) in more?.Invoke(manifest!) ?? [])
            {
                yield return (name, stream =>
                {
                    checksums!.Check(name, stream);
                    readPart(stream);
                }
                );
            }
        }
    }

    /// <summary>The token ids of documents, cut to what the model reads.</summary>
    protected EncodedTexts Encode(IReadOnlyList<ReadOnlyMemory<char>> texts)
    {
        var kept = new ReadOnlyMemory<char>[texts.Count];
        var ids = new ReadOnlyMemory<int>[texts.Count];
        int limit = Manifest.Model.MaxSequenceLength;
        ForEach(ids.Length, i =>
        {
            int[] all = Tokenizer.Encode(texts[i].Span);
            ids[i] = TokenLimit.Cut(all, limit, Manifest.OverlongDocuments);
            kept[i] = TokenLimit.CutText(texts[i], all, limit, Manifest.OverlongDocuments, Tokenizer);
        });
        return new EncodedTexts(kept, ids);
    }

    /// <summary>What the network says of each document, whatever it is computed with.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="forward">Calls the network: token ids [B, N] and padding mask [B, N] or null, to rows [B, width].</param>
    protected float[][] Predict(EncodedTexts documents, Func<Tensor, Tensor?, Tensor> forward)
    {
        float[][] rows = new float[documents.Count][];
        using var mode = no_grad();
        foreach (int[] batch in documents.Batches(Device))
        {
            using var scope = NewDisposeScope();
            var tokens = TokenBatch.Create(documents, batch, Device);
            float[] values = forward(tokens.TokenIds, tokens.KeyPaddingMask).to(ScalarType.Float32).cpu().data<float>().ToArray();
            int width = values.Length / batch.Length;
            for (int b = 0; b < batch.Length; b++)
                rows[batch[b]] = values[(b * width)..((b + 1) * width)];
        }
        return rows;
    }

    /// <summary>Calls <paramref name="body"/> for every document in [0, count) on as many threads as the network may use.</summary>
    protected static void ForEach(int count, Action<int> body)
    {
        // One document needs no other thread, and what it throws comes as it is.
        if (count == 1)
            body(0);
        else
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, body);
    }

    /// <summary>As <see cref="Use"/>, for what outlives a method; dispose it once, at the end.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    protected IDisposable Lend()
    {
        Enter();
        return new Lease(this);
    }

    private void Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
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

    /// <summary>While it lives, the network does: freeing weights under a running prediction would crash the process.</summary>
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

    private sealed class Lease(TextModel<TManifest, TNetwork> model) : IDisposable
    {
        public void Dispose() => model.Leave();
    }
}

/// <summary>What a model is made of.</summary>
internal readonly record struct TextModelParts<TManifest, TNetwork>(TManifest Manifest, ByteLevelBpeTokenizer Tokenizer, TNetwork Network);
