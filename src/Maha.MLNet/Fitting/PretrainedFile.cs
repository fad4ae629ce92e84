using System.IO.Compression;
using System.Text.Json;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using Maha.MLNet.ModelFiles;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <summary>A saved model from which a training starts: tokenizer, architecture and weights.</summary>
internal sealed class PretrainedFile : IDisposable
{
    private const string EncoderPrefix = "encoder.";
    private const string PoolingPrefix = "pooling.";

    // More than the description of any model takes.
    private const int MaxManifestLength = 1 << 26;

    // The length is checked separately, and dropout is not a property of a trained model.
    private static readonly HashSet<string> s_architecture =
    [
        .. Enum.GetValues<AttentionKind>()
            .SelectMany(kind => new MahaTransformerOptions { VocabSize = 1, Attention = AttentionOptions.Create(kind) }.Flatten().Keys)
            .Except([nameof(MahaBlockOptions.MaxSequenceLength), nameof(MahaBlockOptions.Dropout)]),
    ];

    private readonly string _path;
    private readonly Dictionary<string, Tensor> _weights;
    private readonly ITextTokenizer _tokenizer;

    private PretrainedFile(string path, byte[] manifest, Stream tokenizer, Stream? spectralTokenizer, Stream weights)
    {
        _path = path;
        using var document = JsonDocument.Parse(manifest);
        var root = document.RootElement;
        Model = ModelManifest.ReadMember<MahaTransformerOptions>(root, nameof(ModelManifest.Model))
            ?? throw new InvalidDataException("The description must have a Model, but has none.");
        Model.Validate();
        Parts = ModelManifest.ReadMember<DocumentVectorParts>(root, "Parts");
        Parts?.Validate();
        Windows = ModelManifest.ReadMember<WindowedEncoderOptions>(root, "Windows");
        Windows?.Validate(Model);
        _tokenizer = TextTokenizers.Load(tokenizer);
        SpectralTokenizer = spectralTokenizer is null ? null : ByteLevelBpeTokenizer.Load(spectralTokenizer);
        if (_tokenizer is WordPieceTokenizer != Windows is not null)
            throw new InvalidDataException($"The tokenizer must be {(Windows is null ? "byte-level BPE" : "WordPiece")} for this model, but is {_tokenizer.GetType().Name}.");
        if (_tokenizer.VocabSize != Model.VocabSize)
        {
            throw new InvalidDataException(
                $"The tokenizer and the network must have one vocabulary, but they have {_tokenizer.VocabSize} and {Model.VocabSize} ids.");
        }
        // Before a network is built: a few bytes of options could request all memory.
        long minBytes = ModelManifest.MinNumWeights(Model) * sizeof(float);
        if (weights.Length < minBytes)
        {
            throw new InvalidDataException(
                $"The weights of the network that the file describes take at least {minBytes} bytes, but the file has {weights.Length}.");
        }
        using var reader = new SafetensorsReader(weights, leaveOpen: true);
        _weights = reader.ReadAll();
        foreach (var tensor in _weights.Values)
            tensor.DetachFromDisposeScope();
    }

    /// <summary>The architecture of the model.</summary>
    public MahaTransformerOptions Model { get; }

    /// <summary>The parts of an encoder's vectors; null for other models.</summary>
    public DocumentVectorParts? Parts { get; }

    /// <summary>The tokenizer with which the weights were trained.</summary>
    public ByteLevelBpeTokenizer Tokenizer => (ByteLevelBpeTokenizer)_tokenizer;

    /// <summary>The windows in which the model reads documents; null for a model that reads them whole.</summary>
    public WindowedEncoderOptions? Windows { get; }

    /// <summary>The tokenizer of a document encoder's spectral parts; null where they have none of their own.</summary>
    public ByteLevelBpeTokenizer? SpectralTokenizer { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The path of an ML.NET zip with one Maha transformer, or of a file of <see cref="MahaTransformer.SaveWeights"/>.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="MahaModelFileException">The file is damaged, or is not a Maha model.</exception>
    public static PretrainedFile Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"PretrainedModel must be the path of a file or folder, but there is none at '{path}'. Give the path of a saved model.", path);
        }
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[2];
            bool isZip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start.SequenceEqual("PK"u8);
            file.Position = 0;
            return isZip ? ReadZip(path, file) : ReadWeightFile(path, file);
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or ArgumentException or JsonException or EndOfStreamException)
        {
            throw new MahaModelFileException(
                $"PretrainedModel must be a whole model of Maha (a zip with one Maha transformer, or weights saved by SaveWeights), but '{path}' is not: " +
                $"{e.Message} Save the model again, or update the package Maha.MLNet.", e);
        }
    }

    /// <summary>Creates the encoder of a model that reads documents in windows.</summary>
    /// <param name="name">The name of the weights in messages.</param>
    public PretrainedEncoder CreateEncoder(string name)
    {
        var encoder = NetworkBuilding.Build(() => new MahaEncoder(Model));
        ModuleWeights.Load(encoder, WeightsWithPrefix(WindowedClassifier.EncoderPrefix));
        return new PretrainedEncoder(name, encoder, (WordPieceTokenizer)_tokenizer) { WindowLength = Windows!.WindowLength, Blocks = CopyBlocks(Windows) };
    }

    // Copies, since the encoder outlives the file.
    private PretrainedBlocks? CopyBlocks(WindowedEncoderOptions windows) => windows.Document is null ? null : new PretrainedBlocks(
        windows.Document.WithExplicitDefaults(),
        WeightsWithPrefix(WindowedClassifier.ReaderPrefix)
            .Where(pair => !(WindowedClassifier.ReaderPrefix + pair.Key).StartsWith(WindowedClassifier.EncoderPrefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key, pair => pair.Value.clone().DetachFromDisposeScope()));

    /// <summary>Copies the weights of the transformer and, from an encoder's file, those of the other parts.</summary>
    public void CopyTo(MahaDocumentEncoder network)
    {
        if (Parts is not null)
            ModuleWeights.Load(network, _weights);
        else
            CopyTo(network.Encoder, network.Pooling);
    }

    /// <summary>Copies the weights of the transformer and, if both have the same pooling, those of the pooling.</summary>
    public void CopyTo(MahaEncoder encoder, DocumentPooling pooling)
    {
        ModuleWeights.Load(encoder, WeightsWithPrefix(EncoderPrefix));
        var learned = WeightsWithPrefix(PoolingPrefix);
        if (learned.Count > 0 && pooling.state_dict().Keys.Order().SequenceEqual(learned.Keys.Order()))
            ModuleWeights.Load(pooling, learned);
    }

    /// <summary>Returns the architecture of the model for documents of another length.</summary>
    public MahaTransformerOptions ModelFor(int maxSequenceLength)
        => Model.WithMaxSequenceLength(maxSequenceLength);

    /// <summary>Returns the most tokens of a document that are read: the file's number, unless the options set another.</summary>
    public int MaxSequenceLengthFor(MahaEstimatorOptions options)
    {
        if (!options.IsSet(nameof(options.MaxSequenceLength)))
            return Model.MaxSequenceLength;
        if (Model.Positions == PositionKind.Learned && options.MaxSequenceLength != Model.MaxSequenceLength)
        {
            throw new ArgumentException($"MaxSequenceLength must be that of the pretrained model, whose positions are learned, {Model.MaxSequenceLength}, " +
                $"but is {options.MaxSequenceLength}. Leave it out.", nameof(options));
        }
        return options.MaxSequenceLength;
    }

    /// <summary>Checks that the options of the architecture have their defaults or the values of the file.</summary>
    /// <exception cref="ArgumentException">An option has another value.</exception>
    public void Check(MahaEstimatorOptions options)
    {
        var defaults = (MahaEstimatorOptions)Activator.CreateInstance(options.GetType())!;
        var own = Model.WithExplicitDefaults().Flatten();
        foreach (var option in OptionChecks.Of(typeof(MahaEstimatorOptions)).Where(option => s_architecture.Contains(option.Name)))
        {
            object? defaultValue = option.GetValue(defaults);
            // An option that the file's attention does not have must keep its default, too.
            CheckOption(option.Name, option.GetValue(options), defaultValue, own.GetValueOrDefault(option.Name, defaultValue));
        }
    }

    /// <summary>Checks that one option has its default or the value of the file.</summary>
    /// <exception cref="ArgumentException">The option has another value.</exception>
    public void CheckOption<T>(string option, T value, T defaultValue, T fileValue)
    {
        var comparer = EqualityComparer<T>.Default;
        if (!comparer.Equals(value, defaultValue) && !comparer.Equals(value, fileValue))
        {
            throw new ArgumentException($"{option} must be left out or be that of the pretrained model '{_path}', {fileValue}, but is {value}. " +
                "A pretrained model keeps its architecture; for another one, train from random weights.", option);
        }
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var tensor in _weights.Values)
            tensor.Dispose();
    }

    private Dictionary<string, Tensor> WeightsWithPrefix(string prefix) => _weights
        .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
        .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);

    private static PretrainedFile ReadZip(string path, FileStream file)
    {
        using var zip = new ZipArchive(file, ZipArchiveMode.Read);
        string[] folders = [.. zip.Entries.Where(entry => entry.Name == ModelFormat.WeightsStream).Select(entry => entry.FullName[..^entry.Name.Length])];
        if (folders.Length != 1)
            throw new InvalidDataException($"The zip must hold one Maha transformer, but holds {folders.Length}.");
        var entries = zip.Entries.Where(entry => entry.FullName == folders[0] + entry.Name).ToDictionary(entry => entry.Name);
        string[] manifests = [.. entries.Keys.Where(name => name.EndsWith(".json", StringComparison.Ordinal))];
        if (manifests.Length != 1)
        {
            throw new InvalidDataException(
                $"The transformer must have one description, a stream whose name ends in .json, but has {manifests.Length}. Save the model again.");
        }
        StreamChecksums checksums;
        using (var stream = ReadStream(ModelFormat.ChecksumStream, null))
            checksums = StreamChecksums.Load(stream);
        using var description = ReadStream(manifests[0], checksums);
        using var tokenizer = ReadStream(ModelFormat.TokenizerStream, checksums);
        using var weights = ReadStream(ModelFormat.WeightsStream, checksums);
        using var spectralTokenizer = entries.ContainsKey(ModelFormat.SpectralTokenizerStream)
            ? ReadStream(ModelFormat.SpectralTokenizerStream, checksums)
            : null;
        return new PretrainedFile(path, description.ToArray(), tokenizer, spectralTokenizer, weights);

        MemoryStream ReadStream(string name, StreamChecksums? sums)
        {
            if (!entries.TryGetValue(name, out var entry))
                throw new InvalidDataException($"The transformer must have the stream '{name}', but has none.");
            var memory = ModelStreams.Read(entry);
            sums?.Check(name, memory);
            return memory;
        }
    }

    private static PretrainedFile ReadWeightFile(string path, FileStream file)
    {
        string manifest, tokenizer;
        string? spectralTokenizer;
        using (var reader = new SafetensorsReader(file, leaveOpen: true))
        {
            if (!reader.Metadata.TryGetValue(ModelFormat.ManifestMetadata, out manifest!)
                || !reader.Metadata.TryGetValue(ModelFormat.TokenizerMetadata, out tokenizer!))
            {
                throw new InvalidDataException(
                    $"A weight file must have the metadata '{ModelFormat.ManifestMetadata}' and '{ModelFormat.TokenizerMetadata}', but lacks one. " +
                    "Write it with SaveWeights.");
            }
            spectralTokenizer = reader.Metadata.GetValueOrDefault(ModelFormat.SpectralTokenizerMetadata);
        }
        if (manifest.Length > MaxManifestLength)
            throw new InvalidDataException($"A description must have at most {MaxManifestLength} characters, but has {manifest.Length}.");
        file.Position = 0;
        using var vocabulary = new MemoryStream(Convert.FromBase64String(tokenizer));
        using var spectralVocabulary = spectralTokenizer is null ? null : new MemoryStream(Convert.FromBase64String(spectralTokenizer));
        return new PretrainedFile(path, System.Text.Encoding.UTF8.GetBytes(manifest), vocabulary, spectralVocabulary, file);
    }
}
